import type { DenialJson } from "../../../src/protocol/denial_json.ts";
import type { DenialLayer } from "../../../src/protocol/message.ts";
import { DENIAL_LAYERS } from "../../../src/protocol/wire.ts";
import { type Blocks, code, table } from "./blocks.ts";

const FIELD_MEANING: { readonly [field in keyof DenialJson]: string } = {
  layer: "which part of the confinement refused, a word of the table below",
  rule: "name of the rule; `default-deny` when no rule grants it",
  op: "the operation: `open`, `rename`, `connect`, …; `refused` for a system call that no profile grants",
  path: "what it was about, or `host:port`; text of the caller",
  reason: "one sentence",
  allowed_roots: "directories in which the same is allowed, the nearest first; none where no whole tree is",
  next_steps: "what would allow it, in words or as a command for the person",
  retryable: "whether the same request may be allowed later without anything being changed",
  retry_after_ms: "after so many milliseconds, or null",
};

const LAYER_MEANING: { readonly [layer in DenialLayer]: string } = {
  profile: "no rule of the profile grants it, or one of its own denies it",
  protected: "the lists of secrets and of what takes effect outside the run",
  capability: "the capability token of the session",
  limit: "a rate, a quota, or the limits of files",
  breaker: "a circuit breaker is open",
  execution: "what may be executed",
  network: "which hosts may be reached",
  surface: "a system call that no profile grants",
  policy: "a policy beside the profile",
};

export const DENIAL_BLOCKS: Blocks = {
  "denial-fields": () =>
    table(
      ["field", "meaning"],
      Object.entries(FIELD_MEANING).map(([field, meaning]) => [code(field), meaning]),
    ),
  "denial-layers": () =>
    table(
      ["layer", "meaning"],
      DENIAL_LAYERS.map((layer) => [code(layer), LAYER_MEANING[layer]]),
    ),
};
