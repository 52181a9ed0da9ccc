import { closeSync, fstatSync, readSync, writeSync } from "node:fs";
import { inThread } from "../../files/workbook/thread.ts";
import { ERRNO } from "../../platform/errno.ts";
import { look } from "../../platform/staging.ts";
import { OPEN, type ReadCellsRequest, type WriteCellsRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { type Outcome, outcomeOf } from "../outcome.ts";
import type { Session } from "../session.ts";
import { isUnchanged, obstacleOf } from "./replace.ts";

const EINVAL = ERRNO["EINVAL"]!;
const EFBIG = ERRNO["EFBIG"]!;
const ESTALE = ERRNO["ESTALE"]!;
/** Of a workbook, packed. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/** The values of cells; the rest of the workbook stays in the broker. */
export async function readCells(request: ReadCellsRequest, session: Session): Promise<Outcome> {
  const bytes = contentOf(request.path, session);
  if (typeof bytes === "number") return failed(bytes);
  const { sheet, range } = request;
  const done = await inThread({ kind: "read", bytes, sheet, range });
  return done.kind === "cells" ? { kind: "value", value: { cells: done.cells } } : done;
}

/** Replaces the workbook as a whole by one with other values; ESTALE when it has been changed meanwhile. */
export async function writeCells(
  request: WriteCellsRequest,
  caller: Caller,
  session: Session,
): Promise<Outcome> {
  const { path, sheet, at, values } = request;
  const found = look(path);
  if (typeof found === "number") return failed(-found);
  const obstacle = obstacleOf(path, found, session.platform);
  if (obstacle > 0) return failed(obstacle);
  const bytes = contentOf(path, session);
  if (typeof bytes === "number") return failed(bytes);
  const umask = session.platform.umaskOf(caller.tid);
  if (umask < 0) return failed(-umask);
  const done = await inThread({ kind: "write", bytes, sheet, at, values });
  if (done.kind !== "bytes") return done.kind === "failed" ? done : failed(EINVAL);
  if (!isUnchanged(found, look(path))) return failed(ESTALE);
  const draft = session.undo.draft(path, found, 0o600, umask);
  if (typeof draft === "number") return failed(-draft);
  try {
    for (let written = 0; written < done.bytes.length; )
      written += writeSync(draft.fd, done.bytes, written, done.bytes.length - written, written);
    return outcomeOf(draft.put());
  } catch (error) {
    const { errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    return failed(Math.abs(errno));
  } finally {
    draft.drop();
  }
}

/** The whole file, or a positive errno. */
function contentOf(path: string, { platform }: Session): Buffer | number {
  const fd = platform.open(path, OPEN.read | OPEN.nofollow | OPEN.nonblock, 0, 0);
  if (fd < 0) return -fd;
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) return EINVAL;
    if (found.size > MAX_FILE_BYTES) return EFBIG;
    const bytes = Buffer.allocUnsafe(found.size);
    let read = 0;
    while (read < bytes.length) {
      const got = readSync(fd, bytes, read, bytes.length - read, read);
      if (got === 0) break;
      read += got;
    }
    return bytes.subarray(0, read);
  } catch (error) {
    return Math.abs((error as NodeJS.ErrnoException).errno ?? EINVAL);
  } finally {
    closeSync(fd);
  }
}

function failed(errno: number): Outcome {
  return { kind: "failed", errno };
}
