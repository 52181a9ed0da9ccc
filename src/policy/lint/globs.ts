/** Patterns of other languages, each with what it would be here. */
import { suggest } from "./nearest.ts";

export type GlobMistake = { readonly rule: string; readonly problem: string; readonly mend: string };

type Check = readonly [
  rule: string,
  when: RegExp | ((text: string) => boolean),
  problem: string,
  mend: string | ((text: string) => string),
];

const VARIABLES = ["workspace", "home", "tmp", "state"];

/** The first that holds speaks. */
const REFUSED: readonly Check[] = [
  ["glob.empty", /^\s*$/, "is empty", "write a path, or take the entry out"],
  [
    "glob.newline",
    /[\n\r]/,
    "holds the end of a line, as a text after | does",
    "write it on one line, in quotes",
  ],
  [
    "glob.spaces-around",
    /^\s|\s$/,
    "has a space at its start or end, which would be part of the name",
    "take the space out",
  ],
  ["glob.quotes", /^(["']).*\1$/, "has quotation marks inside of the value", "quote it once"],
  [
    "glob.url",
    /^[a-z][a-z0-9+.-]*:\/\//i,
    "is an address and no path",
    "write the path alone; hosts go under network.allow",
  ],
  [
    "glob.windows-drive",
    /^[A-Za-z]:[\\/]/,
    "is a path of Windows",
    (text) => `write it as it is here, such as /mnt/${text[0]!.toLowerCase()}/…`,
  ],
  ["glob.windows-share", /^\\\\/, "is a share of Windows", "write the path where it is mounted"],
  [
    "glob.windows-variable",
    /%[A-Za-z]+%/,
    "has a variable of Windows",
    "write ${home} or another variable of here",
  ],
  ["glob.command", /\$\(|`/, "holds a command of a shell, which nobody runs", "write the path itself"],
  [
    "glob.tilde-user",
    /^~[A-Za-z0-9_-]+/,
    "names a home as a shell does",
    "write the whole path of that home",
  ],
  [
    "glob.tilde",
    /^~/,
    "starts with ~, which a shell would replace and this does not",
    (text) => `write \${home}${text.slice(1)}`,
  ],
  [
    "glob.shell-home",
    /^\$\{?HOME\b\}?/,
    "has a variable of the environment, and only those of profiles count",
    (text) => `write ${text.replace(/^\$\{?HOME\}?/, "${home}")}`,
  ],
  [
    "glob.shell-pwd",
    /^\$\{?(?:PWD|CWD|PROJECT_DIR|WORKSPACE|workspaceFolder|CLAUDE_PROJECT_DIR|GITHUB_WORKSPACE)\b\}?/,
    "has a variable of another tool",
    (text) => `write ${text.replace(/^\$\{?\w+\}?/, "${workspace}")}`,
  ],
  [
    "glob.shell-tmp",
    /^\$\{?TMPDIR\b\}?/,
    "has a variable of the environment, and only those of profiles count",
    (text) => `write ${text.replace(/^\$\{?TMPDIR\}?/, "${tmp}")}`,
  ],
  [
    "glob.variable-default",
    /\$\{\w+:[-=?+]/,
    "gives a variable a default value, as a shell does",
    "write ${workspace}, ${home}, ${tmp} or ${state}",
  ],
  [
    "glob.variable-without-braces",
    /^\$[A-Za-z_]+/,
    "has a variable without braces",
    (text) => `write ${text.replace(/^\$([A-Za-z_]+)/, (_, name: string) => `\${${name.toLowerCase()}}`)}`,
  ],
  [
    "glob.variable-case",
    /^\$\{(?:[A-Za-z]*[A-Z][A-Za-z]*)\}/,
    "has a variable in capital letters",
    (text) => `write ${text.replace(/^\$\{(\w+)\}/, (_, name: string) => `\${${name.toLowerCase()}}`)}`,
  ],
  [
    "glob.variable-unknown",
    (text) => {
      const name = /^\$\{([^}]*)\}/.exec(text)?.[1];
      return name !== undefined && !VARIABLES.includes(name);
    },
    "has a variable that does not exist",
    (text) => suggest(/^\$\{([^}]*)\}/.exec(text)![1]!, VARIABLES),
  ],
  ["glob.variable-open", /\$\{[^}]*$/, "opens a variable and does not close it", "write }"],
  [
    "glob.variable-inside",
    /.\$\{/,
    "has a variable that does not stand first",
    "start the pattern with the variable",
  ],
  [
    "glob.negation",
    /^!/,
    "starts with !, which negates nothing here",
    "write the rest under except of the rule",
  ],
  [
    "glob.regular-expression",
    /^\^|\$$|\\\.|\(\?|\.\*\$/,
    "is a regular expression",
    "write it with *, ** and ?",
  ],
  [
    "glob.extended",
    /[@+?*!]\([^)]*\)/,
    "is an extended glob, which has no meaning here",
    "write an entry for each alternative",
  ],
  [
    "glob.braces",
    /\{[^}]*[,.][^}]*\}/,
    "has alternatives in braces, which have no meaning here",
    "write an entry for each alternative",
  ],
  [
    "glob.negated-class",
    /\[[!^][^\]]*\]/,
    "excludes characters, which no pattern can",
    "name the paths, and what is exempt under except",
  ],
  [
    "glob.class",
    /\[[^\]]*\]/,
    "has a class of characters, which has no meaning here",
    "write ? or *, or an entry for each",
  ],
  [
    "glob.path-list",
    /^\/[^:]*:\/[^:]*/,
    "is a list of paths with colons, as PATH is",
    "write an entry for each",
  ],
  [
    "glob.mount-mode",
    /:(?:ro|rw|z|Z|cached|delegated)$/,
    "ends with the mode of a mount",
    "write the path alone, and the mode as rights",
  ],
  ["glob.comma-list", /,\s*[/$]/, "is a list of paths with commas", "write an entry for each"],
  [
    "glob.parent",
    /(?:^|\/)\.\.(?:\/|$)/,
    "goes up with .., and names are decided without it",
    "write the path that is meant",
  ],
  ["glob.here", /^\.(?:\/|$)/, "is relative to nothing", (text) => `write \${workspace}${text.slice(1)}`],
  ["glob.anywhere", /^\*\*(?:\/|$)/, "starts with **, which needs a / in front", (text) => `write /${text}`],
  [
    "glob.backslashes",
    /\\(?![*?\\[\]{}()$!])/,
    "has backslashes between its segments",
    (text) => `write ${text.replaceAll("\\", "/")}`,
  ],
  [
    "socket.abstract",
    /^@/,
    "is an abstract socket, which has no path",
    "take it out: abstract sockets are refused",
  ],
  [
    "glob.relative",
    (text) => !/^(?:\/|\$\{)/.test(text),
    "is relative",
    (text) => `write \${workspace}/${text}, or the whole path`,
  ],
  ["glob.dot", /\/\.(?:\/|$)/, "has a . segment, which no name has", "take it out"],
  ["glob.double-slash", /\/\//, "has two slashes in a row", (text) => `write ${text.replace(/\/+/g, "/")}`],
  [
    "glob.trailing-slash",
    /.\/$/,
    "ends with a slash, which no name does",
    (text) => `write ${text.slice(0, -1)} for the directory and ${text}** for what is in it`,
  ],
  ["glob.three-stars", /\*{3,}/, "has more than two stars in a row", "write ** for any number of segments"],
  [
    "glob.deep-suffix",
    /\/\*\*[^/*]+$/,
    "joins ** to a name: ** is a whole segment",
    (text) => `write ${text.replace(/\*\*([^/]+)$/, "**/*$1")}`,
  ],
  [
    "glob.deep-prefix",
    /[^/]\*\*/,
    "joins ** to a name: ** is a whole segment",
    (text) => `write ${text.replace(/([^/])\*\*/, "$1*/**")}`,
  ],
  [
    "glob.many-deep",
    (text) => text.split("/").filter((one) => one === "**").length > 2,
    'has more than two "**"',
    "name the directories in between",
  ],
  [
    "glob.many-stars",
    (text) => (text.replaceAll("**", "").match(/\*/g)?.length ?? 0) > 8,
    'has more than eight "*"',
    "write it more plainly",
  ],
  [
    "glob.many-segments",
    (text) => text.split("/").length > 65,
    "has more than 64 segments",
    "write it more plainly",
  ],
];

/** Patterns that are valid and seldom what was meant. */
const SUSPECT: readonly Check[] = [
  [
    "glob.dot-star",
    /\/\.\*(?:\/|$)/,
    "has .*, which here is every name that starts with a dot",
    "write * for every name",
  ],
  [
    "glob.percent",
    /%[0-9A-Fa-f]{2}/,
    "has %XX as an address does, and names are taken as they are",
    "write the character itself",
  ],
  [
    "glob.deep-twice",
    /\/\*\*\/\*\*(?:\/|$)/,
    "has ** twice in a row, which is no more than once",
    "take one out",
  ],
  [
    "glob.deep-star",
    /\/\*\*\/\*$/,
    "ends with **/*, which leaves the directory itself out",
    "write /** for the directory and all below",
  ],
  [
    "glob.combining",
    (text) => text.normalize("NFC") !== text,
    "has letters with separate accents (NFD), and most names on Linux are composed",
    "write it composed (NFC)",
  ],
  [
    "glob.look-alike",
    (text) => /\p{Script=Latin}/u.test(text) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(text),
    "mixes Latin letters with look-alikes of another script",
    "type the name anew",
  ],
  [
    "glob.children-only",
    /^\$\{(?:workspace|home)\}\/\*$/,
    "covers what lies directly in the directory and nothing deeper",
    (text) => `write ${text}* for the whole tree`,
  ],
];

export function globMistake(text: string): GlobMistake | null {
  return first(REFUSED, text);
}

export function globDoubt(text: string): GlobMistake | null {
  return first(SUSPECT, text);
}

function first(checks: readonly Check[], text: string): GlobMistake | null {
  for (const [rule, when, problem, mend] of checks) {
    if (!(typeof when === "function" ? when(text) : when.test(text))) continue;
    const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
    return { rule, problem: `${shown} ${problem}`, mend: typeof mend === "function" ? mend(text) : mend };
  }
  return null;
}
