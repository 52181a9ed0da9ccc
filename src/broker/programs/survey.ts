import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { SallyportError } from "../../protocol/errors.ts";
import { kindByName } from "./interpreters.ts";
import { digestOf, digestOfOpened, objectKey, type ProgramFile, programFile } from "./program_file.ts";

/** Above it a run would take seconds to start. */
const MAX_ENTRIES = 1_000_000;
/** Where interpreters are looked for by name, whatever the profile grants: a copy of one counts as well. */
const USUAL_PLACES = [
  "/usr/bin",
  "/usr/local/bin",
  "/bin",
  "/usr/sbin",
  "/sbin",
  "/lib64",
  "/lib",
  "/usr/lib",
];

/** The executable files of some trees, each object once, and which of them are interpreters. */
export class Survey {
  readonly #files = new Map<string, ProgramFile>();
  readonly #kinds = new Map<string, "interpreter" | "loader">();
  readonly #digests = new Map<string, string | null>();
  /** Interpreters and loaders by their size: what is as long may be a copy. */
  readonly #bySize = new Map<bigint, ProgramFile[]>();
  #entries = 0;

  /** Looks at every file below `roots`; a root may be a file. Throws SETUP where there are too many. */
  constructor(roots: readonly string[]) {
    if (roots.length === 0) return;
    for (const place of new Set(USUAL_PLACES.map(realpath))) this.#list(place, "names");
    for (const root of new Set(roots.map(realpath))) {
      this.#add(root);
      this.#walk(root);
    }
  }

  get files(): Iterable<ProgramFile> {
    return this.#files.values();
  }

  /** The keys of what has the name of a loader, in the usual places and in what was looked at. */
  get loaders(): string[] {
    return [...this.#kinds].filter(([, kind]) => kind === "loader").map(([key]) => key);
  }

  /** The file of this name with every name that was found of it, or null. `path` has no symbolic links. */
  at(path: string): ProgramFile | null {
    const found = programFile(path);
    return found === null ? null : this.withNames(found);
  }

  /** A file as it is now, with every name that was found of the object. */
  withNames(found: ProgramFile): ProgramFile {
    const known = this.#files.get(keyOf(found));
    return known === undefined ? found : { ...found, paths: [...new Set([...known.paths, ...found.paths])] };
  }

  /** By a name of the object, or by its content. */
  kindOf(file: ProgramFile): "program" | "interpreter" | "loader" {
    const named = this.#kinds.get(keyOf(file));
    if (named !== undefined) return named;
    const alike = this.#bySize.get(file.sizeBytes) ?? [];
    const original = alike.find((one) => {
      const digest = this.digestOf(one);
      return digest !== null && digest === this.digestOf(file);
    });
    return original === undefined ? "program" : this.#kinds.get(keyOf(original))!;
  }

  /** Asked once for each state of an object, which its change time and its size tell. `fd` holds it open, or is -1. */
  digestOf(file: ProgramFile, fd = -1): string | null {
    const key = `${keyOf(file)}:${file.changedNs}:${file.sizeBytes}`;
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    const digest = fd < 0 ? digestOf(file) : digestOfOpened(fd, file);
    this.#digests.set(key, digest);
    return digest;
  }

  #walk(root: string): void {
    const open = [root];
    for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
      for (const name of this.#list(directory, "files")) open.push(`${directory}/${name}`);
      if (this.#entries <= MAX_ENTRIES) continue;
      throw new SallyportError(
        "SETUP",
        `Cannot tell the programs below "${root}" apart: more than ${MAX_ENTRIES} entries; name smaller trees in native.execute, or narrower paths in the rules on execution`,
      );
    }
  }

  /** Gives the directories in it. "names": only what bears the name of an interpreter is looked at. */
  #list(directory: string, what: "names" | "files"): string[] {
    let entries: Dirent[];
    try {
      entries = readdirSync(directory, { withFileTypes: true });
    } catch {
      // What can not be listed is not granted.
      return [];
    }
    this.#entries += entries.length;
    const directories: string[] = [];
    for (const entry of entries) {
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) directories.push(entry.name);
      else if (entry.isSymbolicLink()) this.#followName(path, entry.name);
      else if (entry.isFile() && what === "files") this.#add(path);
      else if (entry.isFile()) this.#followName(path, entry.name);
    }
    return directories;
  }

  #add(path: string): void {
    const found = programFile(path);
    if (found === null) return;
    const key = keyOf(found);
    const known = this.#files.get(key);
    if (known === undefined) this.#files.set(key, found);
    else if (!known.paths.includes(path)) known.paths.push(path);
    const kind = kindByName(path.slice(path.lastIndexOf("/") + 1));
    if (kind !== null) this.#mark(known ?? found, kind);
  }

  /** Where an interpreter's name leads, there is an interpreter. */
  #followName(path: string, name: string): void {
    const kind = kindByName(name);
    if (kind === null) return;
    const found = programFile(realpath(path));
    if (found !== null) this.#mark(found, kind);
  }

  #mark(file: ProgramFile, kind: "interpreter" | "loader"): void {
    const key = keyOf(file);
    if (this.#kinds.has(key)) return;
    this.#kinds.set(key, kind);
    const alike = this.#bySize.get(file.sizeBytes);
    if (alike === undefined) this.#bySize.set(file.sizeBytes, [file]);
    else alike.push(file);
  }
}

export function keyOf(file: ProgramFile): string {
  return objectKey(file.device, file.inode);
}

/** The key of the program that a process runs, or null when it has ended or hides it. */
export function keyOfProcess(pid: number): string | null {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/exe`, { bigint: true });
    return objectKey(dev, ino);
  } catch {
    return null;
  }
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It is not there: nothing is found in it either.
    return path;
  }
}
