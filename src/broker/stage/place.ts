import { closeSync, fsync, ftruncateSync, readSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { type Change, carriedAttributes } from "../../files/stage_changes.ts";
import { factsAt, type ObjectFacts, openContent } from "../../files/stage_object.ts";
import { OPEN } from "../../protocol/message.ts";
import type { Asking } from "./commit.ts";
import { metadataRequests } from "./review.ts";

const CHUNK_BYTES = 1 << 20;
const ZEROS = Buffer.alloc(CHUNK_BYTES);
/** One at a time is copied. */
const chunkBuffer = Buffer.allocUnsafe(CHUNK_BYTES);

/** Makes a directory for its owner alone; what it is to be like is set when it has been filled. */
export async function placeDirectory(
  { is }: Pick<Change, "is">,
  path: string,
  asking: Asking,
): Promise<void> {
  if (factsAt(path)?.kind === "directory") return;
  await openly(() => asking.do({ op: "mkdir", path, mode: ((is?.mode ?? 0) & 0o1777) | 0o700 }));
}

/** Flushes that have been begun; a file that takes the place of another has to be on the disk by then. */
export type Flushes = Promise<void>[];

/** Makes at `staged` what stands at `source` of the layer: content, attributes, owner, mode and times. */
export async function placeObject(
  is: ObjectFacts,
  { source, staged, first }: { source: string; staged: string; first: string | undefined },
  flushes: Flushes | null,
  asking: Asking,
): Promise<void> {
  if (first !== undefined) {
    await asking.do({ op: "link", from: first, to: staged, follow: "nofollow" });
    return;
  }
  if (is.kind === "directory") {
    await placeDirectory({ is }, staged, asking);
    return;
  }
  if (is.kind === "symlink") await asking.do({ op: "symlink", target: is.target, path: staged });
  else if (is.kind === "fifo") await asking.do({ op: "mknod", path: staged, kind: "fifo", mode: 0o600 });
  else await placeFile(source, staged, flushes, asking);
  const made = factsAt(staged);
  const differs: Change["differs"] = made?.uid === is.uid && made.gid === is.gid ? [] : ["owner"];
  const attributes: Change["differs"] = carriedAttributes(is).size > 0 ? ["attributes"] : [];
  for (const request of metadataRequests(
    { was: null, is, differs: [...differs, ...attributes, "mode", "times"] },
    staged,
  ))
    await asking.do(request);
}

async function placeFile(
  source: string,
  staged: string,
  flushes: Flushes | null,
  asking: Asking,
): Promise<void> {
  // Read with the person's authority: the stage is nobody else's.
  const from = asking.asPerson(() => openContent(source));
  try {
    const made = await asking.do({
      op: "open",
      path: staged,
      flags: OPEN.write | OPEN.create | OPEN.exclusive,
      mode: 0o600,
    });
    if (made.kind !== "descriptor") throw new Error("an open gave no descriptor");
    try {
      copy(from, made.fd);
    } catch (error) {
      closeSync(made.fd);
      throw error;
    }
    // A name that was there before must not be found empty after a power failure.
    if (flushes === null) closeSync(made.fd);
    else flushes.push(flushed(made.fd));
  } finally {
    closeSync(from);
  }
}

async function flushed(fd: number): Promise<void> {
  try {
    await promisify(fsync)(fd);
  } finally {
    closeSync(fd);
  }
}

/** Leaves holes where there is nothing but zeros: a run may have made a file that is larger than the disk. */
function copy(from: number, to: number): void {
  const buffer = chunkBuffer;
  let at = 0;
  for (let size = readSync(from, buffer, 0, CHUNK_BYTES, at); size > 0; ) {
    const chunk = buffer.subarray(0, size);
    if (!chunk.equals(ZEROS.subarray(0, size)))
      for (let done = 0; done < size; ) done += writeSync(to, chunk, done, size - done, at + done);
    at += size;
    size = readSync(from, buffer, 0, CHUNK_BYTES, at);
  }
  ftruncateSync(to, at);
}

/** The mode is to be what it was in the stage; taken from it afterwards, a setgid bit that the directory inherits would be lost. */
async function openly<T>(act: () => Promise<T>): Promise<T> {
  const before = process.umask(0);
  try {
    return await act();
  } finally {
    process.umask(before);
  }
}
