import { binding } from "../../platform/binding.ts";
import { ERRNO } from "../../platform/errno.ts";
import { Stream } from "../../platform/stream.ts";
import { hostName } from "../../policy/host_name.ts";
import { formatIp, parseIp } from "../../policy/ip_address.ts";
import { type NetworkPolicy, type NetworkRule, unknownName } from "../../policy/network.ts";
import type { BindRequest, ConnectRequest, ResolveRequest } from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { refusal } from "../denial.ts";
import { denied, type Judgement } from "../judgement.ts";
import type { Outcome } from "../outcome.ts";
import { type FlowLog, type FlowTarget, pathOf } from "./flow_log.ts";
import type { Flows } from "./flows.ts";
import type { Names } from "./names.ts";
import type { Namespace } from "./namespace.ts";

const LOOPBACK = parseIp("127.0.0.1")!;
const LOOPBACK6 = parseIp("::1")!;
const EACCES = ERRNO["EACCES"]!;
const EHOSTUNREACH = ERRNO["EHOSTUNREACH"]!;
const EIO = ERRNO["EIO"]!;
const ENOSPC = ERRNO["ENOSPC"]!;
const LISTEN = "network.listen";
const NOTHING = Buffer.alloc(0);

/** The parts of a run's network that requests reach. */
export type Reached = { readonly flows: Flows; readonly names: Names; readonly namespace: Namespace };

/** What the operations connect, bind and resolve come to. In a run without a network all are refused, and say what grants them. */
export class BrokeredSockets {
  readonly #policy: NetworkPolicy;
  readonly #listen: readonly number[];
  readonly #log: FlowLog;
  #reached: Reached | null = null;

  constructor(policy: NetworkPolicy, listen: readonly number[], log: FlowLog) {
    this.#policy = policy;
    this.#listen = listen;
    this.#log = log;
  }

  /** To be called once the network is served, before the program runs. */
  reach(reached: Reached): void {
    this.#reached = reached;
  }

  /** What would be said; for a connect the addresses are decided on too, once they are known (flows.ts). */
  judge(request: ConnectRequest | BindRequest | ResolveRequest): Judgement {
    switch (request.op) {
      case "connect": {
        const target = this.#targetOf(request);
        const verdict = this.#policy.decide(target.host, target.port);
        if (verdict.kind === "allow") return verdict;
        return denied(pathOf(target), verdict.rule, 0);
      }
      case "bind":
        return this.#listen.includes(request.port)
          ? { kind: "allow", rule: LISTEN }
          : denied(String(request.port), notListened(request.port), 0);
      case "resolve": {
        const name = hostName(request.host);
        return name === "localhost" || (name !== null && this.#policy.knowsName(name))
          ? { kind: "allow", rule: "network.allow" }
          : denied(request.host, unknownName(request.host), 0);
      }
    }
  }

  /** Decides, records and connects as for any other way to ask. The descriptor is one end of a pair; the flow carries what passes. */
  async connect(request: ConnectRequest, { pid }: Pick<Caller, "pid">): Promise<Outcome> {
    const target = { ...this.#targetOf(request), pid };
    if (this.#reached === null) {
      const verdict = this.#policy.decide(target.host, target.port);
      if (verdict.kind === "allow") return { kind: "failed", errno: EIO };
      this.#log.deny(target, verdict.rule);
      return refused(target, verdict.rule);
    }
    const pair = binding.streamPair();
    if (typeof pair === "number") return { kind: "failed", errno: -pair };
    const [ours, theirs] = pair;
    const flow = await this.#reached.flows.open(target);
    if (flow.kind === "open") {
      void flow.carry(new Stream(ours), NOTHING);
      return { kind: "descriptor", fd: theirs };
    }
    for (const fd of pair) binding.closeFd(fd);
    return flow.kind === "denied"
      ? refused(target, flow.rule)
      : { kind: "failed", errno: flow.errno === "ENOTFOUND" ? EHOSTUNREACH : (ERRNO[flow.errno] ?? EIO) };
  }

  async bind({ port }: BindRequest): Promise<Outcome> {
    if (this.#reached === null) return { kind: "failed", errno: EIO };
    try {
      return { kind: "descriptor", fd: await this.#reached.namespace.open("listen", LOOPBACK, port) };
    } catch (error) {
      return { kind: "failed", errno: ERRNO[(error as NodeJS.ErrnoException).code ?? ""] ?? EIO };
    }
  }

  /** The addresses that the name server of the run gives too. */
  resolve({ host }: ResolveRequest): Outcome {
    if (this.#reached === null) return { kind: "failed", errno: EIO };
    const { names, namespace } = this.#reached;
    const name = hostName(host)!;
    const found = name === "localhost" ? { ipv4: LOOPBACK, ipv6: LOOPBACK6 } : names.addressesOf(name);
    if (found === null) return { kind: "failed", errno: ENOSPC };
    const addresses = [found.ipv4, ...(namespace.hasIpv6 ? [found.ipv6] : [])];
    return { kind: "value", value: addresses.map(formatIp) };
  }

  /** An address that stands for a name inside the run means the name. */
  #targetOf({ host, port }: ConnectRequest): FlowTarget {
    const meant = this.#reached?.names.nameOf(host) ?? host;
    return { op: "connect", host: hostName(meant) ?? meant, port, via: "channel" };
  }
}

/** For what is no run, and asks for none of this. */
export const NO_SOCKETS: Pick<BrokeredSockets, "judge" | "connect" | "bind" | "resolve"> = {
  judge: () => denied("", { id: "network.default-deny", reason: "there is no network" }, 0),
  connect: () => Promise.resolve({ kind: "failed", errno: EACCES }),
  bind: () => Promise.resolve({ kind: "failed", errno: EACCES }),
  resolve: () => ({ kind: "failed", errno: EACCES }),
};

function refused(target: FlowTarget, rule: NetworkRule): Outcome {
  return { kind: "denied", errno: EACCES, denial: refusal("connect", pathOf(target), rule) };
}

function notListened(port: number): NetworkRule {
  return {
    id: "network.default-deny",
    reason: "no grant names this port to listen at",
    remedy: `sallyport run --listen ${port} …`,
  };
}
