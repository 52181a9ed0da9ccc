import { Worker } from "node:worker_threads";
import { ERRNO } from "../../platform/errno.ts";
import type { CellValue } from "../../protocol/message.ts";
import type { Job, JobDone } from "./job.ts";

const MAX_WAITING = 64;
const TIMEOUT_MS = 10_000;
/** A part may be 64 MiB of bytes, and as text in UTF-16 twice as much. */
const MAX_HEAP_MIB = 512;

export type ThreadDone =
  | { readonly kind: "cells"; readonly cells: readonly (readonly CellValue[])[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "failed"; readonly errno: number; readonly message?: string };

let waiting = 0;
let last: Promise<unknown> = Promise.resolve();

/**
 * Reads or changes a workbook in a thread of its own, one at a time: a hostile file costs its own job ten seconds (ETIMEDOUT) or
 * its memory (ENOMEM), and the broker nothing. EAGAIN when too many wait.
 */
export async function inThread(job: Job): Promise<ThreadDone> {
  if (waiting >= MAX_WAITING) return failed("EAGAIN", "Too many workbooks wait to be read");
  waiting++;
  const mine = last.then(() => run(job));
  last = mine;
  try {
    return await mine;
  } finally {
    waiting--;
  }
}

function run(job: Job): Promise<ThreadDone> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: job,
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
    });
    const end = (done: ThreadDone): void => {
      clearTimeout(timer);
      resolve(done);
      void worker.terminate();
    };
    const timer = setTimeout(
      () => end(failed("ETIMEDOUT", "The workbook takes too long to read")),
      TIMEOUT_MS,
    );
    worker.once("message", (done: JobDone) =>
      end(done.kind === "refused" ? failed(done.errno, done.message) : done),
    );
    worker.once("error", () => end(failed("ENOMEM", "The workbook takes too much memory to read")));
    worker.once("exit", () => end(failed("EIO", "The workbook could not be read")));
  });
}

function failed(errno: string, message: string): ThreadDone {
  return { kind: "failed", errno: ERRNO[errno]!, message };
}
