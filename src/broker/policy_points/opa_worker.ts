/** Runs in a thread of its own, which is ended from outside: a policy has no other bound on its time. */
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

type Loaded = { evaluate(input: unknown, entrypoint: string): unknown };
type Opa = { loadPolicy(wasm: Uint8Array, memory: { initial: number; maximum: number }): Promise<Loaded> };

const { wasm, input, entrypoint, pages } = workerData as {
  wasm: Uint8Array;
  input: unknown;
  entrypoint: string;
  pages: number;
};
const INITIAL_PAGES = 5;

try {
  const { loadPolicy } = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as Opa;
  const policy = await loadPolicy(wasm, { initial: Math.min(INITIAL_PAGES, pages), maximum: pages });
  parentPort!.postMessage({ result: JSON.stringify(policy.evaluate(input, entrypoint)) });
} catch (error) {
  // The package throws texts and objects as well as errors.
  parentPort!.postMessage({
    error: String((error as { message?: unknown } | null)?.message ?? error).slice(0, 300),
  });
}
