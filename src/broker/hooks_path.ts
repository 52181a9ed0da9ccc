import { existsSync, readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { requestPaths } from "../policy/decide.ts";
import { basename, dirname, isWithin, joinPath } from "../policy/path.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Request } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const CHANGES = RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata;
const MAX_CONFIG_BYTES = 1 << 20;
const MAX_INCLUDES = 2;
const MAX_REMEMBERED = 50_000;
/** githooks(5) */
const HOOKS =
  /^(?:(?:pre|post|prepare|commit|applypatch|reference|push|proc|sendemail|fsmonitor)-[a-z0-9-]+|update)$/;
const RULE = {
  id: "protected.hooks-path",
  reason: "git runs the hooks in this directory, as core.hooksPath says",
  remedy: "Propose the hook as a file elsewhere in the workspace and install it yourself",
};

/**
 * The directories that `core.hooksPath` names: of the user's configuration, and of each repository in the workspace, read when the
 * run first changes something in it. What the run writes into a configuration later does not count, for it can not name one.
 */
export class HooksPaths {
  readonly #workspace: string;
  readonly #home: string;
  readonly #ofUser: readonly string[];
  readonly #ofRepository = new Map<string, readonly string[]>();
  /** By directory: the repository that it lies in, or "". */
  readonly #repositories = new Map<string, string>();

  constructor(workspace: string, home: string) {
    this.#workspace = workspace;
    this.#home = home;
    const files = ["/etc/gitconfig", `${home}/.gitconfig`, `${home}/.config/git/config`];
    this.#ofUser = files.flatMap((file) => hooksPathsIn(file, home));
    this.#repositoryOf(workspace);
  }

  /** The hooks directory that the path is, lies in, or holds, with the repository that it is of; null for none. */
  touched(path: string): { readonly hooks: string; readonly repository: string } | null {
    const repository = this.#repositoryOf(dirname(path));
    for (const named of [...this.#ofUser, ...(this.#ofRepository.get(repository) ?? [])]) {
      const hooks = resolve(repository === "" ? this.#workspace : repository, named);
      if (hooks.startsWith("/dev/")) continue;
      // Where the whole repository is named, only what git calls by name counts.
      const isWide = isWithin(repository, hooks) || isWithin(this.#workspace, hooks);
      const isHook = isWide ? dirname(path) === hooks && HOOKS.test(basename(path)) : isWithin(path, hooks);
      if (isHook || (!isWide && isWithin(hooks, path))) return { hooks, repository };
    }
    return null;
  }

  /** To be called before a directory is renamed: what lies where is looked up anew. */
  forget(): void {
    this.#repositories.clear();
    this.#ofRepository.clear();
  }

  #repositoryOf(directory: string): string {
    const known = this.#repositories.get(directory);
    if (known !== undefined) return known;
    const isHere = existsSync(joinPath(directory, ".git"));
    const found = isHere ? directory : directory === "/" ? "" : this.#repositoryOf(dirname(directory));
    if (this.#repositories.size < MAX_REMEMBERED) this.#repositories.set(directory, found);
    if (isHere && !this.#ofRepository.has(found)) {
      const git = gitDirectoryOf(found);
      const common = textOf(`${git}/commondir`).trim();
      const files = [`${git}/config`, `${git}/config.worktree`];
      if (common !== "") files.push(`${resolve(git, common)}/config`);
      this.#ofRepository.set(
        found,
        files.flatMap((file) => hooksPathsIn(file, this.#home)),
      );
    }
    return found;
  }
}

/** Refuses to change what lies in such a directory, or to put another in its place; also before it exists. */
export function judgeHooksPath(request: Request, session: Session): Judgement | null {
  const { hooksPaths, ownRepositories, platform } = session;
  if (request.op === "rename") {
    const moved = platform.stat(request.from);
    if (typeof moved !== "number" && moved.kind !== "file") hooksPaths.forget();
  }
  for (const { path, rights } of requestPaths(request)) {
    if ((rights & CHANGES) === 0) continue;
    const touched = hooksPaths.touched(path);
    if (touched === null) continue;
    const { hooks, repository } = touched;
    if (ownRepositories.madeExactly(repository) || ownRepositories.contains(repository)) continue;
    // What holds the directory may be made and filled. It may not be moved, or be a link to another place.
    const isAbove = path !== hooks && isWithin(hooks, path);
    if (isAbove && request.op !== "rename" && request.op !== "symlink") continue;
    return denied(path, RULE, rights & CHANGES);
  }
  return null;
}

/** gitrepository-layout(5): `.git` may be a file that names the directory. */
function gitDirectoryOf(repository: string): string {
  const dotGit = joinPath(repository, ".git");
  const named = /^gitdir: (.+)$/m.exec(textOf(dotGit));
  return named === null ? dotGit : resolve(repository, named[1]!.trim());
}

/** Every value that some section gives to a key of that name, in what the file includes too: rather one directory too many. */
function hooksPathsIn(file: string, home: string, depth = 0): string[] {
  const text = textOf(file);
  const included = depth >= MAX_INCLUDES ? [] : valuesOf(/^[ \t]*path\s*=\s*([^\n]*)/gim, text, home);
  return [
    ...valuesOf(/hookspath\s*=\s*([^\n]*)/gi, text, home),
    ...included.flatMap((path) => hooksPathsIn(resolve(dirname(file), path), home, depth + 1)),
  ];
}

function valuesOf(key: RegExp, text: string, home: string): string[] {
  return [...text.matchAll(key)]
    .map(([, value]) => value!.trim())
    .map((value) => /^"([^"]*)"/.exec(value)?.[1] ?? value.replace(/\s*[#;].*$/, ""))
    .filter((value) => value !== "")
    .map((value) => (value.startsWith("~/") ? joinPath(home, value.slice(2)) : value));
}

/** "" for what is not there, no file, or out of reach: git of the same user could not read it either. */
function textOf(file: string): string {
  try {
    // Opening a FIFO would wait for its writer.
    const found = statSync(file);
    return found.isFile() && found.size <= MAX_CONFIG_BYTES ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}
