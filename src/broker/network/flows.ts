import { consume, type Level } from "../../limits/gcra.ts";
import type { Stream } from "../../platform/stream.ts";
import { formatIp, type IpAddress, parseIp, unmapped } from "../../policy/ip_address.ts";
import type { NetworkPolicy, NetworkRule } from "../../policy/network.ts";
import type { FlowGate } from "./flow_gate.ts";
import type { FlowLog, FlowTarget } from "./flow_log.ts";
import type { Outside } from "./outside.ts";
import { Relay } from "./relay.ts";
import { SNI_RULE, sniShape } from "./sni.ts";
import { AS_IT_IS, type Shape, type Spliced, type Splicing, splice } from "./splice.ts";

export const MAX_FLOWS = 512;
const IDLE_MS = 15 * 60_000;

export type FlowLimits = { readonly connect: Level; readonly transfer: Level; readonly gate: FlowGate };

/** Why nothing was connected: a rule, or what the network said. */
export type FlowRefusal =
  | { readonly kind: "denied"; readonly rule: NetworkRule }
  | { readonly kind: "failed"; readonly errno: string };

export type OpenFlow = {
  readonly kind: "open";
  /**
   * Joins the two, and records what it came to; must be called. `first` are bytes of the inside that were read already. Without
   * `shapes` the bytes pass as they are, but for TLS that asks for another host.
   */
  carry(inside: Stream, first: Buffer, shapes?: Shapes): Promise<void>;
  /** The same by other means; `rule` is what an end of "refused" stands for. */
  join(
    inside: Stream,
    start: (outside: Stream, relay: Relay) => Splicing,
    rule: NetworkRule | null,
  ): Promise<void>;
};

export type Shapes = {
  readonly up: Shape;
  readonly down: Shape;
  /** What "refuse" stands for; null: the peers do not keep to their protocol. */
  readonly rule: NetworkRule | null;
};

/** All flows of one run. The only place that connects to anything outside of its namespace. */
export class Flows {
  readonly #policy: NetworkPolicy;
  readonly #log: FlowLog;
  readonly #outside: Outside;
  readonly #limits: FlowLimits;
  readonly #epoch = performance.now();
  readonly #waiting = new Set<Stream>();
  readonly #splicings = new Set<Splicing>();
  readonly #pending = new Set<Promise<unknown>>();
  #relay: Relay | null = null;
  #count = 0;
  #closed = false;

  constructor(policy: NetworkPolicy, log: FlowLog, outside: Outside, limits: FlowLimits) {
    this.#policy = policy;
    this.#log = log;
    this.#outside = outside;
    this.#limits = limits;
  }

  /** Decides, records, resolves, decides on the addresses, connects. Rejects only when the journal does not take the record. */
  open(target: FlowTarget, policy: NetworkPolicy = this.#policy): Promise<OpenFlow | FlowRefusal> {
    const opening = this.#open(target, policy);
    this.#pending.add(opening);
    const forget = (): void => void this.#pending.delete(opening);
    opening.then(forget, forget);
    return opening;
  }

  deny(target: FlowTarget, rule: NetworkRule): void {
    this.#log.deny(target, rule);
  }

  /** A connection that comes in from the host to a port that the run may publish: `open` gives its inside. */
  accept(target: FlowTarget, outside: Stream, open: () => Promise<Stream>): Promise<void> {
    return this.#tracked(this.#accept(target, outside, open));
  }

  async #accept(target: FlowTarget, outside: Stream, open: () => Promise<Stream>): Promise<void> {
    if (this.#closed || this.#count >= MAX_FLOWS) return outside.close("reset");
    const refusal = this.#policy.refusal();
    if (refusal !== null) {
      this.#log.deny(target, refusal);
      return outside.close("reset");
    }
    const started = performance.now();
    const intent = this.#log.intent(target, "network.listen");
    this.#count++;
    try {
      const inside = await open();
      // "Up" is what leaves the run.
      const address = peerOf(outside);
      const flow = { intent, started, target, address, outside };
      await this.#carry(flow, (relay) => splice(inside, outside, { ...JUST_PASS, relay }), null);
    } catch (error) {
      this.#count--;
      outside.close("reset");
      this.#log.outcome(intent, codeOf(error), facts("", started));
    }
  }

  /** Cuts every flow; resolves when each has its outcome on record. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const outside of this.#waiting) outside.close("reset");
    for (const splicing of this.#splicings) splicing.cancel();
    await Promise.allSettled(this.#pending);
    this.#relay?.close();
  }

  async #open(target: FlowTarget, policy: NetworkPolicy): Promise<OpenFlow | FlowRefusal> {
    const verdict = policy.decide(target.host, target.port);
    if (verdict.kind === "deny") return this.#refuse(target, verdict.rule);
    if (this.#closed || this.#count >= MAX_FLOWS) return this.#refuse(target, TOO_MANY);
    await this.#turn();
    const { gate } = this.#limits;
    await gate.open();
    const refusing = gate.admit(target);
    if (refusing !== null) return this.#refuse(target, refusing);
    const started = performance.now();
    const intent = this.#log.intent(target, verdict.rule);
    this.#count++;
    let address = "";
    try {
      const addresses = await this.#addresses(target, policy);
      if (!Array.isArray(addresses)) {
        this.#count--;
        this.#log.outcome(intent, "EACCES", facts("", started));
        gate.came(target, "connected");
        return this.#refuse(target, addresses as NetworkRule);
      }
      address = formatIp(addresses[0]!);
      const outside = await this.#outside.connect(addresses, target.port);
      gate.came(target, "connected");
      address = addresses.length === 1 ? address : peerOf(outside) || address;
      if (this.#closed) {
        outside.close("reset");
        throw Object.assign(new Error(), { code: "ECANCELED" });
      }
      this.#waiting.add(outside);
      const flow = { intent, started, target, address, outside };
      const join: OpenFlow["join"] = (_inside, start, rule) =>
        this.#tracked(this.#carry(flow, (relay) => start(outside, relay), rule));
      return {
        kind: "open",
        join,
        carry: (inside, first, { up, down, rule } = shapesOf(target)) =>
          join(
            inside,
            (_, relay) => splice(inside, outside, { first, up, down, relay, idleMs: IDLE_MS }),
            rule,
          ),
      };
    } catch (error) {
      this.#count--;
      const errno = codeOf(error);
      gate.came(target, errno === "ECANCELED" ? "connected" : "failed");
      this.#log.outcome(intent, errno, facts(address, started));
      return { kind: "failed", errno };
    }
  }

  /** The addresses that may be connected to, or the rule that refuses all there are. */
  async #addresses(target: FlowTarget, policy: NetworkPolicy): Promise<IpAddress[] | NetworkRule> {
    const literal = parseIp(target.host);
    if (literal !== null) return [unmapped(literal)];
    const found = (await this.#outside.resolve(target.host)).map(unmapped);
    if (found.length === 0) throw Object.assign(new Error(), { code: "ENOTFOUND" });
    let refusing: NetworkRule | null = null;
    const good: IpAddress[] = [];
    for (const address of found.slice(0, 16)) {
      const verdict = policy.decideAddress(address, target.port, target.host);
      if (verdict.kind === "allow") good.push(address);
      else refusing = verdict.rule;
    }
    return good.length > 0 ? good : refusing!;
  }

  async #carry(
    { intent, started, target, address, outside }: Carried,
    start: (relay: Relay) => Splicing,
    rule: NetworkRule | null,
  ): Promise<void> {
    this.#waiting.delete(outside);
    this.#relay ??= new Relay(this.#limits.transfer);
    const splicing = start(this.#relay);
    this.#splicings.add(splicing);
    if (this.#closed) splicing.cancel();
    const { bytesUp, bytesDown, end, errno = ERRNO[end] } = await splicing.done;
    this.#splicings.delete(splicing);
    this.#count--;
    if (end === "refused" && rule !== null) this.#log.deny(target, rule);
    // Peers that do not keep to their protocol are refused by no rule.
    const code = end === "refused" && rule === null ? "EPROTO" : errno;
    this.#log.outcome(intent, code, { ...facts(address, started), bytesUp, bytesDown });
  }

  #refuse(target: FlowTarget, rule: NetworkRule): FlowRefusal {
    this.#log.deny(target, rule);
    return { kind: "denied", rule };
  }

  /** A run above its rate is slowed down to it. */
  async #turn(): Promise<void> {
    for (;;) {
      const waitNs = consume([this.#limits.connect], 1, this.#nowNs());
      if (waitNs === 0 || this.#closed) return;
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitNs / 1e6)));
    }
  }

  #tracked(carrying: Promise<void>): Promise<void> {
    this.#pending.add(carrying);
    const forget = (): void => void this.#pending.delete(carrying);
    carrying.then(forget, forget);
    return carrying;
  }

  #nowNs(): number {
    return Math.floor((performance.now() - this.#epoch) * 1e6);
  }
}

type Carried = {
  readonly intent: number;
  readonly started: number;
  readonly target: FlowTarget;
  readonly address: string;
  readonly outside: Stream;
};

const PLAIN: Shapes = { up: AS_IT_IS, down: AS_IT_IS, rule: null };
const JUST_PASS = { first: Buffer.alloc(0), up: AS_IT_IS, down: AS_IT_IS, idleMs: IDLE_MS };
const TOO_MANY: NetworkRule = {
  id: "network.connections",
  reason: `a run has at most ${MAX_FLOWS} connections at once`,
  remedy: "",
};
const ERRNO: { readonly [end in Spliced["end"]]: string } = {
  done: "",
  idle: "ETIMEDOUT",
  refused: "EACCES",
  failed: "ECONNRESET",
};

function facts(address: string, started: number) {
  return { address, bytesUp: 0, bytesDown: 0, milliseconds: Math.round(performance.now() - started) };
}

function peerOf(stream: Stream): string {
  const peer = stream.name("peer");
  return peer === null ? "" : formatIp(unmapped(peer.address));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "EIO";
}

function shapesOf(target: FlowTarget): Shapes {
  return parseIp(target.host) === null
    ? { up: sniShape(target.host), down: AS_IT_IS, rule: SNI_RULE }
    : PLAIN;
}
