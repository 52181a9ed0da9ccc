import type { LineParts } from "../../audit/lines.ts";
import { serializeRecord } from "../../audit/record.ts";
import { formatEndpoint, type NetworkRule } from "../../policy/network.ts";
import { refusal } from "../denial.ts";
import type { RecordSink } from "../run_log.ts";
import type { Tally } from "../tally.ts";

/** How the run asked: by which listener of its namespace, by a request ("channel"), or "listen" for a connection that came in. */
export type Via = "http" | "connect" | "socks5" | "transparent" | "dns" | "listen" | "credential" | "channel";
export type FlowOp = "connect" | "resolve" | "accept";
export type FlowTarget = {
  readonly op: FlowOp;
  readonly host: string;
  /** 0: there is none, as for a name that is looked up. */
  readonly port: number;
  readonly via: Via;
  /** Who asked, where the kernel said so. */
  readonly pid?: number;
};
/** What a flow came to. `address` is "" where nothing was connected. */
export type FlowFacts = {
  readonly address: string;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly milliseconds: number;
};

/** The records of the network: every flow before it leaves the machine and after it has ended, every refusal. */
export class FlowLog {
  readonly #sink: RecordSink;
  readonly #parts: LineParts;
  readonly #tally: Tally;

  constructor(sink: RecordSink, parts: LineParts, tally: Tally) {
    this.#sink = sink;
    this.#parts = parts;
    this.#tally = tally;
  }

  /** Gives the number of the record, for `outcome`. Throws when the journal can not take it: then nothing is connected. */
  intent(target: FlowTarget, rule: string): number {
    this.#tally.operations++;
    return this.#append({
      kind: "intent",
      op: target.op,
      path: pathOf(target),
      rule,
      verdict: "allow",
      ...(target.pid === undefined ? {} : { pid: target.pid }),
      durability: "crash",
      extra: { via: target.via },
    });
  }

  /** `errno` is "" for a flow that was connected and has ended. */
  outcome(intent: number, errno: string, facts: FlowFacts): void {
    this.#append({
      kind: "outcome",
      intent,
      result: 0,
      ...(errno === "" ? {} : { errno }),
      extra: { ...facts },
    });
  }

  deny(target: FlowTarget, rule: NetworkRule): void {
    const path = pathOf(target);
    this.#tally.deny(refusal(target.op, path, rule));
    this.#append({
      kind: "deny",
      op: target.op,
      path,
      rule: rule.id,
      verdict: "deny",
      errno: "EACCES",
      ...(target.pid === undefined ? {} : { pid: target.pid }),
      extra: { via: target.via },
    });
  }

  #append(fields: Omit<Parameters<typeof serializeRecord>[0], "v" | "seq" | "time" | "run">): number {
    return this.#sink.append(
      serializeRecord({
        v: 1,
        seq: this.#sink.size,
        time: Date.now(),
        run: this.#parts.runId,
        agent: this.#parts.agent,
        user: this.#parts.user,
        ...fields,
      }),
    );
  }
}

export function pathOf({ host, port }: FlowTarget): string {
  return port === 0 ? host : formatEndpoint(host, port);
}
