import type { Denial, DenialLayer } from "./message.ts";

/**
 * A denial as a model or a program gets it: in `--json` reports, from `sallyport why --json`, from the shims and the MCP server. The
 * names are stable. A new one may be added at the end; none is taken away or changes its meaning within a major version.
 */
export type DenialJson = {
  readonly layer: DenialLayer;
  readonly rule: string;
  readonly op: string;
  readonly path: string;
  readonly reason: string;
  readonly allowed_roots: readonly string[];
  readonly next_steps: readonly string[];
  /** Whether the same request may be allowed later without anything being changed. */
  readonly retryable: boolean;
  /** After which time; null when it is not known or the request is not retryable. */
  readonly retry_after_ms: number | null;
};

export function denialJson(denial: Omit<Denial, "op"> & { readonly op: string }): DenialJson {
  return {
    layer: denial.layer,
    rule: denial.rule,
    op: denial.op,
    path: denial.path,
    reason: denial.reason,
    allowed_roots: denial.allowedRoots,
    next_steps: denial.nextSteps,
    retryable: denial.retry === "later",
    retry_after_ms: denial.retryAfterMs,
  };
}
