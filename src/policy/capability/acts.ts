import type { Action, Grant } from "./capability.ts";

/**
 * What an action lets be done, named by the actions that let just that be done. To write a file is also to make it and to add
 * to it; whoever may do anything with a file may look at its size and times.
 */
const ACTS: { readonly [action in Action]: readonly Action[] } = {
  read: ["read", "stat"],
  write: ["write", "append", "create", "stat"],
  append: ["append", "stat"],
  create: ["create", "stat"],
  delete: ["delete", "stat"],
  rename: ["rename", "stat"],
  list: ["list", "stat"],
  stat: ["stat"],
  metadata: ["metadata", "stat"],
  exec: ["exec", "stat"],
  connect: ["connect"],
  listen: ["listen"],
};

/** The actions to which a limit of the size or of the type applies: those that touch content. */
export const SIZED: readonly Action[] = ["write", "append"];
export const TYPED: readonly Action[] = ["read", "write", "append"];

/** Whether whoever may `wide` may also `narrow`. */
export function covers(wide: Action, narrow: Action): boolean {
  return ACTS[wide].includes(narrow);
}

/** Whether something that `action` lets be done is among `limited`. */
export function touches(action: Action, limited: readonly Action[]): boolean {
  return ACTS[action].some((act) => limited.includes(act));
}

/** Whether a limit of the size or the type narrows what `grant` lets be done. */
export function limitsContent({ action, maxSizeBytes, mimeTypes }: Grant): boolean {
  return (
    (maxSizeBytes !== undefined && touches(action, SIZED)) ||
    (mimeTypes !== undefined && touches(action, TYPED))
  );
}
