import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { type PointVerdict, parseObligations } from "../../policy/points/verdict.ts";
import { isFields } from "../../policy/profile_fields.ts";

export type OpaPolicy = {
  readonly wasm: Uint8Array;
  readonly entrypoint: string;
  readonly timeoutMs: number;
  readonly maxMemoryMiB: number;
};

const PAGES_PER_MIB = 16;
const MAX_RESULT_BYTES = 64 * 1024;
const WORKER_HEAP_MIB = 64;

/** Evaluates a compiled Rego policy in a thread that is ended when the time is over. Whatever goes wrong is a denial. */
export function askOpa(
  { wasm, entrypoint, timeoutMs, maxMemoryMiB }: OpaPolicy,
  input: unknown,
): Promise<PointVerdict> {
  let resolve: (verdict: PointVerdict) => void = () => {};
  const promise = new Promise<PointVerdict>((settle) => {
    resolve = settle;
  });
  const worker = new Worker(pathToFileURL(createRequire(import.meta.url).resolve("#opa-worker")), {
    workerData: { wasm, input, entrypoint, pages: maxMemoryMiB * PAGES_PER_MIB },
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
    // Nothing of ours: what a policy prints is nobody's.
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
  });
  const end = (verdict: PointVerdict): void => {
    clearTimeout(timer);
    void worker.terminate();
    resolve(verdict);
  };
  const timer = setTimeout(
    () => end({ kind: "deny", reason: `it has not answered within ${timeoutMs} ms` }),
    timeoutMs,
  );
  worker.once("message", (message: { result?: string; error?: string }) => end(verdictOf(message)));
  worker.once("error", (error) => end({ kind: "deny", reason: `it failed: ${error.message.slice(0, 200)}` }));
  worker.once("exit", () => end({ kind: "deny", reason: "it ended without an answer" }));
  return promise;
}

function verdictOf({ result, error }: { result?: string; error?: string }): PointVerdict {
  if (result === undefined) return { kind: "deny", reason: `it failed: ${error ?? "without a reason"}` };
  if (result.length > MAX_RESULT_BYTES) return { kind: "deny", reason: "its result is too large" };
  const set: unknown = JSON.parse(result);
  // An undefined rule gives an empty set.
  if (!Array.isArray(set) || set.length !== 1 || !isFields(set[0]))
    return { kind: "deny", reason: "its rule is undefined for this input" };
  return parseObligations(set[0]["result"]);
}
