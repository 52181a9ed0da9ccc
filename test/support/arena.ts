import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The unprivileged user that runs are tried as: nobody. */
export const NOBODY = 65534;

/**
 * A place for one run: a workspace, a sibling directory that no run may touch, and a state directory. Goes away with its
 * test.
 */
export class Arena {
  readonly root: string;
  readonly workspace: string;
  readonly outside: string;
  readonly state: string;
  /** Where the program inside has its home, when the run is given one. */
  readonly home: string;
  readonly owner: number;

  constructor(owner: number = process.geteuid!()) {
    this.owner = owner;
    this.root = mkdtempSync(join(tmpdir(), "sallyport-arena-"));
    chmodSync(this.root, 0o755);
    const directory = (name: string, mode: number): string => {
      const path = join(this.root, name);
      mkdirSync(path, { mode });
      chownSync(path, owner, owner);
      return path;
    };
    this.workspace = directory("workspace", 0o755);
    this.outside = directory("outside", 0o755);
    this.state = directory("state", 0o700);
    this.home = directory("home", 0o755);
    for (const name of ["file", "secret", "victim"]) this.put(join("outside", name), `${name} outside\n`);
    directory("outside/empty", 0o755);
  }

  /** Writes a file below the root, with the directories on the way. It comes to be there in one step. */
  put(name: string, text: string | Uint8Array, mode = 0o644): string {
    const path = join(this.root, name);
    const unready = `${path}.unready`;
    let parent = this.root;
    for (const step of name.split("/").slice(0, -1)) {
      parent = join(parent, step);
      mkdirSync(parent, { recursive: true });
      chownSync(parent, this.owner, this.owner);
    }
    writeFileSync(unready, text, { mode });
    chownSync(unready, this.owner, this.owner);
    renameSync(unready, path);
    return path;
  }

  /** Makes what `git init` leaves behind, without asking git: a repository that was there before the run. */
  putRepository(name: string): string {
    this.put(join(name, ".git/config"), "[core]\n\tbare = false\n");
    this.put(join(name, ".git/HEAD"), "ref: refs/heads/main\n");
    this.put(join(name, ".git/hooks/pre-commit.sample"), "#!/bin/sh\nexit 0\n", 0o755);
    this.put(join(name, ".git/objects/info/keep"), "");
    this.put(join(name, ".git/refs/heads/keep"), "");
    return join(this.root, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * Everything that an attack could have changed below a directory, in one comparable text. The change time is in it: the kernel
 * sets it for modes, owners, times, attributes and links alike, and no program can set it back.
 */
export function fingerprint(directory: string): string {
  const lines: string[] = [];
  const visit = (path: string, name: string): void => {
    const { ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    const entry = lstatSync(path);
    const content = entry.isFile()
      ? digest(readFileSync(path))
      : entry.isSymbolicLink()
        ? readlinkSync(path)
        : "";
    lines.push([name, ino, mode.toString(8), uid, gid, nlink, size, mtimeNs, ctimeNs, content].join(" "));
    if (entry.isDirectory())
      for (const child of readdirSync(path).sort()) visit(join(path, child), `${name}/${child}`);
  };
  visit(directory, ".");
  return lines.join("\n");
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
