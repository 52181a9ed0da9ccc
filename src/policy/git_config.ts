/**
 * Which changes of a repository's configuration (git-config(1)) make git run nothing and send nothing elsewhere. Pure. What is not
 * understood to the letter is refused.
 */

export type Entry = {
  readonly section: string;
  readonly subsection: string;
  readonly key: string;
  readonly value: string;
  /** As written, with its quotes. */
  readonly raw: string;
};

const HEADER = /^\[([A-Za-z0-9-]+)(?:[ \t]+"((?:[^"\\\n]|\\["\\])*)")?\][ \t]*(?:[#;].*)?$/;
const ENTRY = /^[ \t]*([A-Za-z][A-Za-z0-9-]*)[ \t]*(?:=(.*))?$/;
const BLANK = /^[ \t]*(?:[#;].*)?$/;

/** The entries in order; null for a text that is not plain enough to be sure of. */
export function parseGitConfig(text: string): readonly Entry[] | null {
  const entries: Entry[] = [];
  let section = "";
  let subsection = "";
  for (const line of text.split("\n")) {
    // A value that goes on in the next line, and everything that editors do not write.
    if (line.endsWith("\\") || /[^\t\x20-\x7e\x80-\u{10ffff}]/u.test(line) || line.includes("\ufeff"))
      return null;
    if (BLANK.test(line)) continue;
    const header = HEADER.exec(line);
    if (header !== null) {
      section = header[1]!.toLowerCase();
      subsection = (header[2] ?? "").replace(/\\(.)/g, "$1");
      continue;
    }
    const entry = ENTRY.exec(line);
    if (entry === null || section === "") return null;
    const value = plainValue(entry[2] ?? "");
    if (value === null) return null;
    entries.push({ section, subsection, key: entry[1]!.toLowerCase(), value, raw: entry[2] ?? "" });
  }
  return entries;
}

/** The value of a line as git reads it; null where quotes do not close or an escape is none. */
function plainValue(raw: string): string | null {
  let value = "";
  let quoted = false;
  for (let at = 0; at < raw.length; at++) {
    const char = raw[at]!;
    if (char === '"') quoted = !quoted;
    else if (char === "\\") {
      const next = raw[++at];
      if (next !== '"' && next !== "\\") return null;
      value += next;
    } else if (!quoted && (char === "#" || char === ";")) break;
    else value += char;
  }
  return quoted ? null : value.replace(/^[ \t]+|[ \t]+$/g, "");
}

const WORD = /^[\w.@/+=, :*^-]*$/;
const BOOLEAN = /^(?:|true|false|yes|no|on|off|0|1)$/i;
/** No transport of another program ("ext::"), no option of ssh. */
const URL = /^(?!-)(?!.*::)[\x21-\x7e]+$/;

/** Into what git keeps of a remote, and never over a branch of one's own. */
const FETCHED = /^\+?refs\/[\w./*-]+:refs\/(?:remotes\/[\w./*-]+|tags\/\*)$/;

type Check = RegExp | "any";
const PLAIN: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  user: { name: "any", email: "any" },
  author: { name: "any", email: "any" },
  committer: { name: "any", email: "any" },
  core: {
    repositoryformatversion: /^[01]$/,
    filemode: BOOLEAN,
    bare: BOOLEAN,
    logallrefupdates: /^(?:true|false|always)$/,
    ignorecase: BOOLEAN,
    precomposeunicode: BOOLEAN,
    symlinks: BOOLEAN,
    autocrlf: /^(?:true|false|input)$/,
    eol: /^(?:lf|crlf|native)$/,
    safecrlf: /^(?:true|false|warn)$/,
    sparsecheckout: BOOLEAN,
    sparsecheckoutcone: BOOLEAN,
    quotepath: BOOLEAN,
    abbrev: WORD,
    untrackedcache: /^(?:true|false|keep)$/,
    commitgraph: BOOLEAN,
  },
  extensions: {
    objectformat: /^sha(?:1|256)$/,
    refstorage: /^(?:files|reftable)$/,
    relativeworktrees: BOOLEAN,
    worktreeconfig: BOOLEAN,
  },
  init: { defaultbranch: WORD },
  pull: { rebase: /^(?:true|false|merges)$/, ff: /^(?:true|false|only)$/ },
  push: { default: /^(?:nothing|current|upstream|simple|matching)$/, autosetupremote: BOOLEAN },
  fetch: { prune: BOOLEAN, prunetags: BOOLEAN },
  merge: { conflictstyle: /^(?:merge|diff3|zdiff3)$/, ff: /^(?:true|false|only)$/ },
  rebase: { autostash: BOOLEAN, autosquash: BOOLEAN, updaterefs: BOOLEAN },
  rerere: { enabled: BOOLEAN, autoupdate: BOOLEAN },
  diff: { algorithm: WORD, renames: WORD, colormoved: WORD, mnemonicprefix: BOOLEAN },
  status: { showuntrackedfiles: WORD, short: BOOLEAN, branch: BOOLEAN },
  gc: { auto: WORD, autodetach: BOOLEAN },
  index: { version: WORD },
  advice: { detachedhead: BOOLEAN, skippedcherrypicks: BOOLEAN, addembeddedrepo: BOOLEAN },
  submodule: { active: WORD, recurse: BOOLEAN },
};
/** Of `[section "name"]`. What is said of a name already stays said; a remote that is there gets no further url. */
const NAMED: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  remote: {
    url: URL,
    pushurl: URL,
    fetch: FETCHED,
    tagopt: /^--(?:no-)?tags$/,
    prune: BOOLEAN,
    mirror: BOOLEAN,
  },
  branch: { remote: WORD, merge: WORD, rebase: /^(?:true|false|merges)$/, description: "any" },
  submodule: { url: URL, active: BOOLEAN, branch: WORD, ignore: WORD, shallow: BOOLEAN },
};

/**
 * What keeps the new text from taking the place of the old one, in words, or null. Keys of the lists above may come and go; all
 * others stay as they are and in their order, and so does each key of a remote, branch or submodule that was there.
 */
export function refusedGitConfigChange(oldText: string, newText: string): string | null {
  const before = parseGitConfig(oldText);
  const after = parseGitConfig(newText);
  if (before === null || after === null) return "it is not plain enough to be sure of";
  const known = new Set(before.filter(({ section }) => section in NAMED).map(nameOf));
  const remotes = new Set(
    before.filter(({ section }) => section === "remote").map(({ subsection }) => subsection),
  );
  const frozen = new Set(before.map(keyOf));
  const keeps = (entry: Entry): boolean =>
    !isFree(entry) ||
    (entry.subsection !== "" && frozen.has(keyOf(entry))) ||
    (entry.section === "remote" && /url$/.test(entry.key) && known.has(nameOf(entry)));
  const kept = before.filter(keeps).map(lineOf);
  const left = after.filter(keeps).map(lineOf);
  const odd = left.find((line, index) => line !== kept[index]) ?? kept[left.length];
  if (odd !== undefined || kept.length !== left.length) return `it changes ${odd ?? "a key"}`;
  // A new branch that pushes to a remote of the run's choosing would be somebody's next push.
  const foreign = after.find(
    ({ section, subsection, key, value }) =>
      section === "branch" &&
      key === "remote" &&
      subsection !== "" &&
      !known.has(nameOf({ section, subsection })) &&
      value !== "." &&
      !remotes.has(value) &&
      remotes.size > 0,
  );
  return foreign === undefined ? null : `it leads branch "${foreign.subsection}" to another remote`;
}

function isFree({ section, subsection, key, value }: Entry): boolean {
  const lists = subsection === "" ? PLAIN : NAMED;
  const keys = Object.hasOwn(lists, section) ? lists[section]! : {};
  const check = Object.hasOwn(keys, key) ? keys[key]! : null;
  return check !== null && (check === "any" || check.test(value));
}

function nameOf({ section, subsection }: Pick<Entry, "section" | "subsection">): string {
  return `${section} ${subsection}`;
}

function keyOf({ section, subsection, key }: Entry): string {
  return `${section} ${subsection} ${key}`;
}

function lineOf({ section, subsection, key, raw }: Entry): string {
  return `${section}${subsection === "" ? "" : `.${subsection}`}.${key} =${raw}`;
}
