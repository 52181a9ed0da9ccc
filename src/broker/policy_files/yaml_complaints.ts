/** What the yaml package complains of, in words for who writes policies. */
import type { Severity } from "../../policy/lint/finding.ts";

export type Complaint = {
  readonly rule: string;
  readonly severity: Severity;
  readonly problem: string;
  readonly mend: string;
};

const STAR: Complaint = error(
  "yaml.star",
  "a value that starts with * is an alias in YAML",
  "quote the pattern",
);

type Whole = "empty" | "several documents" | "alias" | "star" | "leading zero" | "merge key";

const WHOLE: Readonly<Record<Whole, Complaint>> = {
  empty: error("yaml.empty", "holds nothing", "write a profile: name, version, description, extends"),
  "several documents": error(
    "yaml.several-documents",
    "a second document starts here, and only one is read",
    "put each profile into a file of its own",
  ),
  alias: error(
    "yaml.alias",
    "refers to another part of the file, so that a reader does not see what is granted here",
    "write the value out",
  ),
  star: STAR,
  "leading zero": warning(
    "yaml.leading-zero",
    "is a number with a zero in front: YAML 1.2 reads it as decimal, older readers as octal",
    "write the decimal number without the zero",
  ),
  "merge key": error(
    "yaml.merge-key",
    "would merge another mapping, which YAML 1.2 does not have",
    "write the fields out, or use extends",
  ),
};

export function looksLike(what: Whole): Complaint {
  return WHOLE[what];
}

/** `line` is the text of the line that the error names. */
export function complaintOf(code: string, message: string, line: string, before: string): Complaint {
  for (const { when, complaint } of BY_LINE) if (when(code, line, before)) return complaint;
  return error(
    "yaml.syntax",
    `is no YAML: ${message.split("\n")[0]}`,
    "correct the syntax; quote the value if in doubt",
  );
}

const BY_LINE: readonly {
  readonly when: (code: string, line: string, before: string) => boolean;
  readonly complaint: Complaint;
}[] = [
  {
    when: (code) => code === "TAG_RESOLVE_FAILED",
    complaint: error("yaml.tag", "has a tag, and tags mean nothing here", "write the value without it"),
  },
  {
    when: (code, line) => code === "TAB_AS_INDENT" || /^ *\t/.test(line),
    complaint: error("yaml.tab", "is indented with a tab, which YAML refuses", "indent with spaces"),
  },
  {
    when: (code) => code === "DUPLICATE_KEY",
    complaint: error(
      "yaml.duplicate-key",
      "is the second of this name in one mapping: readers take one or the other",
      "join the two, or take one out",
    ),
  },
  {
    when: (code) => code === "BAD_DQ_ESCAPE",
    complaint: error(
      "yaml.backslash",
      "a backslash in double quotes starts an escape, and this is none",
      "write the value in single quotes",
    ),
  },
  {
    when: (_, line) => /^\s*-?\s*(?:[\w-]+:\s+)?[*]\S*/.test(line) && !/["']\*/.test(line),
    complaint: STAR,
  },
  {
    when: (_, line) => /^\s*-?\s*(?:[\w-]+:\s+)?[@`%]/.test(line),
    complaint: error("yaml.reserved-start", "a value can not start with @, ` or %", "quote the value"),
  },
  {
    when: (_, line) => /\[[^"'\]]*\$\{/.test(line),
    complaint: error(
      "yaml.variable-in-flow",
      "between [ and ] the brace of a variable starts a mapping",
      'quote the pattern: ["${workspace}/**"]',
    ),
  },
  {
    when: (code, line) => code === "BLOCK_AS_IMPLICIT_KEY" && /:\s+\S.*:\s/.test(line),
    complaint: error(
      "yaml.colon-in-text",
      "a text that holds a colon and a space is read as a mapping",
      "quote the text",
    ),
  },
  {
    when: (_, line) => /^\s*[\w-]+:[^\s/:]/.test(line) && !/^\s*[\w-]+:\/\//.test(line),
    complaint: error(
      "yaml.colon-without-space",
      "a colon without a space behind it starts no value",
      "write a space behind the colon",
    ),
  },
  {
    when: (_, line) => /^\s*-[^\s-]/.test(line),
    complaint: error(
      "yaml.dash-without-space",
      "a dash without a space behind it starts no list entry",
      "write a space behind the dash",
    ),
  },
  {
    when: (_, line) => quotes(line, '"') % 2 === 1 || quotes(line, "'") % 2 === 1,
    complaint: error(
      "yaml.open-quote",
      "a quotation mark is opened and not closed",
      "close it on the same line",
    ),
  },
  {
    when: (_, own, before) =>
      [own, before].some(
        (line) => count(line, "[") !== count(line, "]") || count(line, "{") !== count(line, "}"),
      ),
    complaint: error(
      "yaml.open-bracket",
      "a bracket is opened and not closed",
      "close it, or write one entry a line with - in front",
    ),
  },
  {
    when: (_, line) => /^\s*[\w-]+\s*=\s*\S/.test(line),
    complaint: error(
      "yaml.equals-sign",
      "an equals sign assigns nothing in YAML",
      "write a colon and a space",
    ),
  },
  {
    when: (_, line) => /^\s*[\w-]+\s*$/.test(line),
    complaint: error("yaml.no-colon", "a word alone is no field", "write a colon behind it"),
  },
  {
    when: (code) =>
      code === "BAD_INDENT" ||
      code === "MISSING_CHAR" ||
      code === "UNEXPECTED_TOKEN" ||
      code === "BLOCK_AS_IMPLICIT_KEY",
    complaint: error(
      "yaml.indentation",
      "does not line up with what is above it",
      "give entries of one list or mapping the same indentation",
    ),
  },
];

function quotes(line: string, mark: string): number {
  return count(line.replace(/\\./g, ""), mark);
}

function count(line: string, mark: string): number {
  return line.split(mark).length - 1;
}

function error(rule: string, problem: string, mend: string): Complaint {
  return { rule, severity: "error", problem, mend };
}

function warning(rule: string, problem: string, mend: string): Complaint {
  return { rule, severity: "warning", problem, mend };
}
