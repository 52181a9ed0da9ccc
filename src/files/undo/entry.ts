import { type Attribute, attributesOf, type Found, type Packed, type Time } from "../../platform/staging.ts";
import type { Stat } from "../../protocol/message.ts";

/** What an object was before the run changed it. `attributes`: name and base64 value; absent when there were none. */
export type Before = {
  readonly kind: Stat["kind"];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly mtime: Time;
  readonly atime: Time;
  readonly attributes?: readonly (readonly [string, string])[];
  /** Of a symbolic link that was not moved but copied. */
  readonly target?: string;
};

/**
 * Where the content from before lies: under this number in the store; "empty": it had none; "lost": it could not be read, and is
 * not to be had again.
 */
export type Image = number | "empty" | "lost";

/** What stood in the place where an operation puts something else, and where it went: `n` in the store, -1 for a directory. */
export type Displaced = {
  readonly id: string;
  readonly n: number;
  readonly how: "moved" | "copied";
  readonly before: Before;
  /** The copy lies in the pack, and `n` is what it is to be called when it is wanted. */
  readonly packed?: Packed;
};

/**
 * One line of the undo journal. A line is written before its effect; `made`, `void` and what follows the run are not. Paths are
 * absolute and without links; `id` is the identity of platform/staging.ts.
 */
export type Entry =
  | {
      readonly k: "begin";
      readonly v: 1;
      readonly run: string;
      readonly uid: number;
      readonly user: string;
      readonly workspace: string;
      readonly place: Placement;
      readonly time: number;
    }
  /** The times of a directory whose entries are about to change. */
  | { readonly k: "dir"; readonly p: string; readonly id: string; readonly before: Before }
  /** Nothing stood at `p`, and something new will. */
  | { readonly k: "make"; readonly p: string; readonly kind: Stat["kind"] }
  /** What the entry in line `s` brought into being. */
  | { readonly k: "made"; readonly s: number; readonly id: string }
  /** The file at `p` goes into the store, an empty twin `to` takes its place. */
  | { readonly k: "swap"; readonly p: string; readonly to: string; readonly old: Displaced }
  /** The content of the file at `p` is about to change in place. */
  | {
      readonly k: "image";
      readonly p: string;
      readonly id: string;
      readonly before: Before;
      readonly n: Image;
      readonly packed?: Packed;
    }
  /** Mode, owner, times or attributes of the object at `p` are about to change. */
  | { readonly k: "meta"; readonly p: string; readonly id: string; readonly before: Before }
  | { readonly k: "remove"; readonly p: string; readonly old: Displaced }
  /** `from` "untracked": the object comes out of a tree that is not kept, so the run brought it. */
  | {
      readonly k: "rename";
      readonly p: string;
      readonly to: string;
      readonly id: string;
      readonly kind: Stat["kind"];
      readonly from?: "untracked";
      readonly old?: Displaced;
    }
  | {
      readonly k: "exchange";
      readonly p: string;
      readonly to: string;
      readonly ids: readonly [string, string];
      readonly kinds: readonly [Stat["kind"], Stat["kind"]];
    }
  /** A further name `to` of the object at `p`. */
  | { readonly k: "link"; readonly p: string; readonly to: string; readonly id: string }
  /** The effect of line `s` failed: nothing happened. */
  | { readonly k: "void"; readonly s: number }
  /** What the run left at `p`. */
  | ({ readonly k: "after"; readonly p: string } & After)
  /** The run is over; `after` is complete. "late": it was made later, for a run whose broker had been killed. */
  | { readonly k: "sealed"; readonly when: "end" | "late"; readonly time: number }
  /** `undo restore` is about to change this object in place. Holds until `restored`. */
  | { readonly k: "restoring"; readonly id: string }
  /** This object, a copy, is about to stand where its original stood. */
  | { readonly k: "stand-in"; readonly id: string }
  /** `why` "limits": at the end of the run itself, of what was beyond them. */
  | {
      readonly k: "restored";
      readonly time: number;
      readonly done: number;
      readonly kept: number;
      readonly why?: "limits";
    };

/**
 * `id` null: nothing stands there. `hash`: SHA-256 of the content in hex, of files up to a bound. `left`: where a short text lies in
 * the file of left_texts.ts, as offset and length.
 */
export type After = {
  readonly id: string | null;
  readonly size: number;
  readonly ctime: Time;
  readonly hash?: string;
  readonly left?: readonly [number, number];
};

/** Where before-images go: moved at no cost into a directory on the same file system, or copied because there is none. */
export type Placement = "moved" | "copied";

/** Describes an object from a look at it and, for what only a second look tells, from its path or descriptor. */
export function describe(found: Found, target: string | number): Before {
  const attributes = attributesOf(target);
  return {
    kind: found.kind,
    mode: found.mode,
    uid: found.uid,
    gid: found.gid,
    size: found.sizeBytes,
    links: found.linkCount,
    mtime: found.modified,
    atime: found.accessed,
    ...(typeof attributes === "number" || attributes.length === 0 ? {} : { attributes: encoded(attributes) }),
  };
}

function encoded(attributes: readonly Attribute[]): [string, string][] {
  return attributes.map(([name, value]) => [name, Buffer.from(value).toString("base64")]);
}

/** The same without its attributes, for what is kept as it is. */
export function outline(found: Found): Before {
  const { kind, mode, uid, gid, sizeBytes, linkCount, modified, accessed } = found;
  return { kind, mode, uid, gid, size: sizeBytes, links: linkCount, mtime: modified, atime: accessed };
}
