/**
 * What Node's own `fs` is made of: the functions below `fs`, `fs.promises` and its streams. Not a public interface; it is reached by
 * `process.binding`, and what is not found there as it is expected is refused at the start.
 */

type Native = (...args: unknown[]) => unknown;

export type NodeFs = Record<string, Native> & {
  readonly kUsePromises: symbol;
  readonly FileHandle: new (fd: number) => object;
};

/** Functions and the number of arguments that come before the one that says how the result is wanted. */
export const FS_ARGUMENTS = {
  open: 3,
  openFileHandle: 3,
  mkdir: 3,
  rmdir: 1,
  unlink: 1,
  rename: 2,
  link: 2,
  symlink: 3,
  chmod: 2,
  fchmod: 2,
  chown: 3,
  fchown: 3,
  lchown: 3,
  utimes: 3,
  futimes: 3,
  lutimes: 3,
  copyFile: 3,
  mkdtemp: 2,
  readdir: 3,
  writeFileUtf8: 4,
  readFileUtf8: 2,
} as const;

export type FsFunction = keyof typeof FS_ARGUMENTS;

type WithBinding = { binding(name: string): Record<string, unknown> };

/** Throws where this Node is made in another way than is known here. */
export function nodeBinding(name: string, expected: readonly string[]): Record<string, unknown> {
  const found = (process as unknown as WithBinding).binding(name);
  const missing = expected.filter((one) => found[one] === undefined);
  if (missing.length === 0) return found;
  throw new Error(
    `Cannot register sallyport: the ${name} of Node ${process.version} has no ${missing.join(", ")}; Node 20, 22 and 24 are known to work`,
  );
}

export function nodeFs(): NodeFs {
  const expected = [...Object.keys(FS_ARGUMENTS), "kUsePromises", "FileHandle"];
  return nodeBinding("fs", expected) as NodeFs;
}
