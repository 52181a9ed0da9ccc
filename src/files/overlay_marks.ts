import type { ObjectFacts } from "./stage_object.ts";

/** The name space in which an overlay keeps its marks: in a user namespace it may not use `trusted` (mount option userxattr). */
export type MarkSpace = "trusted.overlay." | "user.overlay.";

/** Reads what overlayfs noted on the objects of its upper layer. */
export type OverlayMarks = {
  /** The directory took the place of one on the host: what is in that one does not show. */
  isOpaque(facts: ObjectFacts): boolean;
  /** It was copied up from the host, and is no creation of the run. */
  isCopy(facts: ObjectFacts): boolean;
  /** The facts as the program saw them. */
  without(facts: ObjectFacts): ObjectFacts;
};

/**
 * Only the name space of the mount itself counts: in the other one a program may write what it likes. In its own, overlayfs
 * escapes what a program sets (`user.overlay.overlay.opaque`).
 */
export function overlayMarks(space: MarkSpace): OverlayMarks {
  const escaped = `${space}overlay.`;
  return {
    isOpaque: ({ attributes }) =>
      Buffer.from(attributes.get(`${space}opaque`) ?? []).toString("latin1") === "y",
    isCopy: ({ attributes }) => attributes.has(`${space}origin`),
    without(facts) {
      const attributes = new Map<string, Uint8Array>();
      for (const [name, value] of facts.attributes) {
        if (name.startsWith(escaped)) attributes.set(space + name.slice(escaped.length), value);
        else if (!name.startsWith(space)) attributes.set(name, value);
      }
      return { ...facts, attributes };
    },
  };
}

/** A device 0/0 hides the name below it. No program can make one: an overlay refuses mknod(2) of it. */
export function isWhiteout(facts: ObjectFacts): boolean {
  return facts.kind === "device" && facts.rdev === 0n;
}
