/** What a profile allows of the files that a run writes (`fileLimits`), asked of one file. */
import { fstatSync, readSync } from "node:fs";
import type { FileLimits } from "../policy/profile.ts";
import { isAmong, typeOf } from "./mime.ts";

const CHUNK_BYTES = 256 << 10;
/** One file is read at a time. */
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
const EFBIG = 27;
const EDQUOT = 122;
const EACCES = 13;

/** A limit that something is beyond. `errno`: what a program is told. */
export type Breach = { readonly rule: string; readonly reason: string; readonly errno: number };

/** Only a caller that knows that nobody else can write to the file knows what it will be. */
export function breachOf(fd: number, limits: FileLimits): Breach | null {
  const size = breachOfSize(fstatSync(fd).size, limits);
  if (size !== null || limits.mimeTypes.length === 0) return size;
  const type = typeOf(chunksOf(fd));
  return isAmong(type, limits.mimeTypes)
    ? null
    : {
        rule: "files.mime-type",
        reason: `its content is of the type ${type}, and only ${limits.mimeTypes.join(", ")} may be written`,
        errno: EACCES,
      };
}

export function breachOfSize(bytes: number, { maxBytes }: FileLimits): Breach | null {
  if (maxBytes === null || bytes <= maxBytes) return null;
  const reason = `it has ${bytes} bytes, and a file may have ${maxBytes}`;
  return { rule: "files.max-bytes", reason, errno: EFBIG };
}

/** `count`: with the one in question. */
export function breachOfCount(count: number, { maxFiles }: FileLimits): Breach | null {
  if (maxFiles === null || count <= maxFiles) return null;
  const reason = `the run would have made or changed ${count} files, and may ${maxFiles}`;
  return { rule: "files.max-files", reason, errno: EDQUOT };
}

function* chunksOf(fd: number): Generator<Uint8Array> {
  for (let at = 0; ; ) {
    let length = 0;
    while (length < CHUNK_BYTES) {
      const got = readSync(fd, chunk, length, CHUNK_BYTES - length, at + length);
      if (got === 0) break;
      length += got;
    }
    if (length === 0) return;
    yield chunk.subarray(0, length);
    at += length;
  }
}
