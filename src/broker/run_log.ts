import {
  denyLine,
  type Event,
  executionLine,
  intentLine,
  type LineParts,
  outcomeLine,
} from "../audit/lines.ts";
import { errnoName } from "../platform/errno.ts";
import { formatEndpoint } from "../policy/network.ts";
import { type Denial, OPEN, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import type { Looked } from "./judgement.ts";
import type { Outcome } from "./outcome.ts";
import type { Tally } from "./tally.ts";

/** The part of the journal that the path of a request needs. `append` is crash-durable when it returns, or throws. */
export type RecordSink = { readonly size: number; append(line: string): number };

const CHANGES_NOTHING: ReadonlySet<Request["op"]> = new Set([
  "stat",
  "list",
  "exec",
  "connect-unix",
  "begin",
  "discard",
]);
const CHANGES = OPEN.write | OPEN.append | OPEN.create | OPEN.truncate;

/**
 * Writes what a run does: every intent before its effect, every outcome after it, every refusal. When the journal can not take
 * a record the exception goes through: no record, no effect.
 */
export class RunLog {
  readonly #sink: RecordSink;
  readonly parts: LineParts;
  readonly #tally: Tally;

  constructor(sink: RecordSink, parts: LineParts, tally: Tally) {
    this.#sink = sink;
    this.parts = parts;
    this.#tally = tally;
  }

  /** Gives the number of the record, for its outcome. */
  intent(request: Request, caller: Caller, rule: string, looked?: Looked): number {
    this.#tally.operations++;
    const event = eventOf(request, caller, rule, looked);
    return this.#sink.append(intentLine(this.parts, this.#sink.size, Date.now(), event, "crash"));
  }

  outcome(intent: number, request: Request, outcome: Outcome): void {
    const errno = outcome.kind === "failed" || outcome.kind === "denied" ? errnoName(outcome.errno) : "";
    const result =
      outcome.kind === "value" && outcome.value !== null && "pid" in outcome.value ? outcome.value.pid : 0;
    this.#sink.append(outcomeLine(this.parts, this.#sink.size, Date.now(), intent, errno, result));
    if (errno === "") this.#countChange(request);
  }

  denial(request: Request, caller: Caller, denial: Denial, errno: number, looked?: Looked): void {
    this.#tally.deny(denial);
    const event = { ...eventOf(request, caller, denial.rule, looked), path: denial.path };
    this.#sink.append(denyLine(this.parts, this.#sink.size, Date.now(), event, errnoName(errno)));
  }

  /** A program that a process of the run is about to become, as the kernel told it. */
  execution(pid: number, path: string, rule: string, looked: Looked): void {
    this.#sink.append(
      executionLine(this.parts, this.#sink.size, Date.now(), { pid, op: "exec", path, rule, extra: looked }),
    );
  }

  /** One that it was kept from becoming. */
  refusedExecution(pid: number, denial: Denial, errno: number, looked: Looked): void {
    this.#tally.deny(denial);
    const event = { pid, op: "exec", path: denial.path, rule: denial.rule, extra: looked };
    this.#sink.append(denyLine(this.parts, this.#sink.size, Date.now(), event, errnoName(errno)));
  }

  /** A refusal that the caller sees as what the kernel would say anyway: recorded, and nothing that a person has to look at. */
  answer(request: Request, caller: Caller, errno: "ENOENT" | "EEXIST"): void {
    const event = eventOf(request, caller, "default-deny");
    this.#sink.append(denyLine(this.parts, this.#sink.size, Date.now(), event, errno));
  }

  #countChange(request: Request): void {
    if (request.op === "open") {
      if (request.flags & CHANGES) this.#tally.change(request.path);
    } else if ("to" in request) {
      this.#tally.change(request.to);
    } else if ("path" in request && !CHANGES_NOTHING.has(request.op)) {
      this.#tally.change(request.path);
    }
  }
}

function eventOf(request: Request, caller: Caller, rule: string, looked?: Looked): Event {
  const { pid } = caller;
  switch (request.op) {
    case "open":
      return { pid, op: "open", path: request.path, rule, flags: request.flags, mode: request.mode };
    case "mkdir":
    case "mknod":
    case "chmod":
    case "begin":
      return { pid, op: request.op, path: request.path, rule, mode: request.mode };
    case "rename":
    case "link":
      return { pid, op: request.op, path: request.from, to: request.to, rule };
    case "symlink":
      return { pid, op: "symlink", path: request.path, to: request.target, rule };
    case "ssh-sign":
      return { pid, op: "ssh-sign", path: request.key, to: request.purpose, rule };
    case "exec": {
      // What the caller says the program is called with; what the program makes of it nobody has looked at.
      const argv = { argv: JSON.stringify(request.argv), advisory: "argv" };
      return { pid, op: "exec", path: request.path, rule, extra: { ...argv, ...looked } };
    }
    case "connect":
      return { pid, op: "connect", path: formatEndpoint(request.host, request.port), rule };
    case "bind":
      return { pid, op: "bind", path: String(request.port), rule };
    case "resolve":
      return { pid, op: "resolve", path: request.host, rule };
    case "kill":
      return { pid, op: "kill", path: String(request.pid), rule, extra: { signal: request.signal } };
    case "refused":
      return { pid, op: "refused", path: request.what, rule };
    default:
      return { pid, op: request.op, path: request.path, rule };
  }
}
