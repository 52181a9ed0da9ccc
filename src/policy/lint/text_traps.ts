/** What a file's bytes do to a reader, whatever it says. */
import type { Finding } from "./finding.ts";

type Trap = {
  readonly rule: string;
  readonly severity: Finding["severity"];
  readonly pattern: RegExp;
  readonly problem: string;
  readonly mend: string;
};

const TRAPS: readonly Trap[] = [
  {
    rule: "text.utf16",
    severity: "error",
    pattern: /\0/,
    problem: "holds NUL bytes, as a file saved in UTF-16 does",
    mend: "save it as UTF-8",
  },
  {
    rule: "text.bidi",
    severity: "error",
    pattern: /[\u202a-\u202e\u2066-\u2069]/u,
    problem:
      "holds a character that turns the direction of text, so that it reads as another rule than it is",
    mend: "take the character out",
  },
  {
    rule: "text.zero-width",
    severity: "error",
    pattern: /[\u200b-\u200f\u2060]|(?!^)\ufeff/u,
    problem: "holds a character without width: two names look the same and are not",
    mend: "take the character out",
  },
  {
    rule: "text.no-break-space",
    severity: "error",
    pattern: /[\u00a0\u2007\u202f\u3000]/u,
    problem: "holds a no-break space, which is part of the value and no indentation",
    mend: "write a plain space",
  },
  {
    rule: "text.smart-quotes",
    severity: "error",
    pattern: /[\u2018\u2019\u201c\u201d](?=[/$~*\w])|(?<=[\w*/}])[\u201c\u201d]/u,
    problem: "holds a typographic quotation mark, which is part of the value and quotes nothing",
    mend: "write \" or '",
  },
  {
    rule: "text.control",
    severity: "error",
    // biome-ignore format: one range a kind
    pattern: /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/,
    problem: "holds a control character",
    mend: "take it out, or write it as an escape in double quotes",
  },
  {
    rule: "text.carriage-return",
    severity: "warning",
    pattern: /\r$/,
    problem: "ends its lines as Windows does",
    mend: "save it with line feeds alone, so that digests and diffs are the same everywhere",
  },
  {
    rule: "yaml.foreign-comment",
    severity: "error",
    pattern: /^\s*(?:\/\/|\/\*|;|--\s)/,
    problem: "begins like a comment of another language, which YAML takes for a value",
    mend: "start the comment with #",
  },
  {
    rule: "yaml.conflict-marker",
    severity: "error",
    pattern: /^(?:<<<<<<<|=======|>>>>>>>)(?: |$)/,
    problem: "is a mark of a merge conflict",
    mend: "resolve the conflict and take the mark out",
  },
  {
    rule: "yaml.template",
    severity: "error",
    pattern: /\{\{.*?\}\}|<%.*?%>/,
    problem: "holds a placeholder of a template, which nobody fills in",
    mend: "render the template first, or use the variables workspace, home, tmp and state",
  },
  {
    rule: "text.placeholder",
    severity: "warning",
    pattern:
      /\b(?:CHANGE_?ME|FIXME|REPLACE_?(?:ME|THIS)|your[-_](?:name|user|host|domain|project)[-_]?(?:here)?)\b/i,
    problem: "still holds a placeholder of an example",
    mend: "write your own value",
  },
];

/** The first place of each trap. */
export function textTraps(text: string): Finding[] {
  const found: Finding[] = [];
  const lines = text.split("\n");
  for (const { rule, severity, pattern, problem, mend } of TRAPS) {
    const line = lines.findIndex((one) => pattern.test(one));
    if (line < 0) continue;
    const column = (pattern.exec(lines[line]!)?.index ?? 0) + 1;
    found.push({ rule, severity, line: line + 1, column, field: "", problem, mend });
  }
  return found;
}
