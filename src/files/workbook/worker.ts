/** The thread of thread.ts: one job, then it ends. It holds no descriptor and opens nothing. */
import { parentPort, workerData } from "node:worker_threads";
import { SallyportError } from "../../protocol/errors.ts";
import type { Job, JobDone } from "./job.ts";
import { readCells, writeCells } from "./workbook.ts";

function done(job: Job): JobDone {
  const bytes = Buffer.from(job.bytes.buffer, job.bytes.byteOffset, job.bytes.byteLength);
  try {
    return job.kind === "read"
      ? { kind: "cells", cells: readCells(bytes, job.sheet, job.range) }
      : { kind: "bytes", bytes: writeCells(bytes, job.sheet, job.at, job.values) };
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return { kind: "refused", errno: error.errno, message: error.message };
  }
}

parentPort!.postMessage(done(workerData as Job));
