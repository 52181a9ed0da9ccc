/** Rights on paths, as bits: a request asks for a set, a rule grants or denies a set. */
export const RIGHT = {
  read: 1,
  write: 2,
  create: 4,
  delete: 8,
  list: 16,
  stat: 32,
  metadata: 64,
  execute: 128,
  /** To a Unix socket by its path. */
  connect: 256,
} as const;

export type RightName = keyof typeof RIGHT;
export const RIGHT_NAMES: readonly RightName[] = Object.keys(RIGHT) as RightName[];
export const ALL_RIGHTS = 511;
/** Where the denied rights start in a mask that holds granted and denied ones. */
export const DENIED_SHIFT = 12;

/** Names the bits, for messages and records: `3` gives `["read", "write"]`. */
export function rightNames(rights: number): RightName[] {
  return RIGHT_NAMES.filter((name) => (rights & RIGHT[name]) !== 0);
}
