import {
  copyFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isRefusal, type SystemError } from "./node_error.ts";

type Native = (...args: unknown[]) => unknown;
type Again = (original: Native, args: readonly unknown[]) => unknown;

/**
 * Since Node 22 `cpSync` and since Node 24 `rmSync` are functions of C++ that make their own system calls. What the floor has refused them is done once more
 * by the functions of `fs`, each of which asks the broker; both go on where they were stopped. Changes what is there of them.
 */
export function registerWholeTrees(fs: Record<string, unknown>): void {
  for (const [name, again] of Object.entries(AGAIN)) {
    const original = fs[name] as Native | undefined;
    if (original === undefined) continue;
    fs[name] = (...args: unknown[]) => {
      try {
        return original(...args);
      } catch (error) {
        if (!isRefusal((error as SystemError).code)) throw error;
        return again(original, args);
      }
    };
  }
}

const AGAIN: Readonly<Record<string, Again>> = {
  cpSyncCheckPaths: (original, args) => {
    // It has made no directory yet that the copy goes into.
    mkdirSync(dirname(String(args[1])), { recursive: true });
    return original(...args);
  },
  cpSyncCopyDir: (
    _original,
    [from, to, force, dereference, errorOnExist, verbatimSymlinks, preserveTimestamps],
  ) =>
    cpSync(String(from), String(to), {
      recursive: true,
      force: force === true,
      dereference: dereference === true,
      errorOnExist: errorOnExist === true,
      verbatimSymlinks: verbatimSymlinks === true,
      preserveTimestamps: preserveTimestamps === true,
      // With a filter Node copies one by one.
      filter: () => true,
    }),
  cpSyncOverrideFile: (_original, [from, to, mode, preserveTimestamps]) => {
    unlinkSync(String(to));
    copyFileSync(String(from), String(to), Number(mode));
    if (preserveTimestamps !== true) return;
    const { atime, mtime } = statSync(String(from));
    utimesSync(String(to), atime, mtime);
  },
  rmSync: (_original, [path]) => remove(String(path)),
};

function remove(path: string): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) remove(join(path, name));
    rmdirSync(path);
  } else unlinkSync(path);
}
