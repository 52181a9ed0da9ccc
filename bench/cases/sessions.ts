/** What ten thousand sessions with tokens cost: memory, finding one by its handle, deciding under one, and ending them. */

import { OwnSharedMemory } from "../../src/broker/own_shared_memory.ts";
import { OwnSockets } from "../../src/broker/own_sockets.ts";
import { OwnTerminals } from "../../src/broker/own_terminals.ts";
import type { Session } from "../../src/broker/session.ts";
import { Authority } from "../../src/broker/tokens/authority.ts";
import { CapabilityTable, type Held } from "../../src/broker/tokens/capability_table.ts";
import { BatchClock } from "../../src/broker/tokens/clock.ts";
import type { Floor } from "../../src/broker/tokens/floor.ts";
import { Transactions } from "../../src/broker/transactions.ts";
import type { Capability, CapabilityChain, Grant } from "../../src/policy/capability/capability.ts";
import { compilePolicy, decide as decidePolicy } from "../../src/policy/decide.ts";
import { RIGHT } from "../../src/policy/rights.ts";
import { BenchBroker } from "../broker.ts";
import { median, type Row, spread } from "../measure.ts";

const SESSIONS = 10_000;
const RULES = 100_000;
const GRANTS = 16;
const BUSY = 64;
const ROUNDS = 21;
const LOOK_UPS = 200_000;
const BAR_REVOKE_MS = 5;
const BAR_SESSION_KB = 64;
const BAR_LOOK_UP_NS = 100;
const BAR_DECIDE_NS = 2000;

export async function run(): Promise<Row[]> {
  const broker = new BenchBroker();
  const own = broker.session("deciding only");
  const rules = Array.from({ length: RULES }, (_, at) => ({
    ...({ id: "rule", effect: "allow", rights: RIGHT.read, reason: "" } as const),
    pattern: `/w/d${at % 1000}/f${at}`,
  }));
  const policy = compilePolicy("profile", rules);
  const floor: Floor = {
    policy: compilePolicy("floor", [
      { id: "f", effect: "allow", rights: RIGHT.read, pattern: "/usr/**", reason: "" },
    ]),
    trees: [],
  };
  const whole: Session = { ...own, policy };
  // Once with a single session: what all share is not what each costs.
  const table = new CapabilityTable();
  const sessions: Session[] = [open(table, chain(0), floor, whole)];
  const before = residentKb();
  for (let at = 1; at < SESSIONS; at++) sessions.push(open(table, chain(at), floor, whole));
  const eachKb = (residentKb() - before) / (SESSIONS - 1);
  const held = sessions.flatMap(({ authority }) => authority!.held);

  const rows = [
    row(
      "memory of one more session with a token, of 10000 over 100000 shared rules",
      "KB",
      [eachKb],
      BAR_SESSION_KB,
    ),
    row(
      "find a capability by its handle",
      "ns",
      rounds(() => lookUp(table, held)),
      BAR_LOOK_UP_NS,
    ),
    row(
      "decide by 100000 rules of the profile and by a token",
      "ns",
      rounds(() => decide(sessions)),
      BAR_DECIDE_NS,
    ),
    row(
      "revoke one with all derived from it until the next operation is refused, 10000 sessions",
      "ms",
      revoked(table, sessions, held),
      BAR_REVOKE_MS,
    ),
  ];
  await broker.close();
  return rows;
}

/** One for all, as in a run. */
const clock = new BatchClock();
const now = Date.now();
const life = { issuedMs: now, notBeforeMs: now - 1000, expiresMs: now + 3_600_000 };

/** Of a token that was parsed for itself, as each is: equal to others, and no object of theirs. */
export function chain(at: number): CapabilityChain {
  const grants: Grant[] = Array.from({ length: GRANTS }, (_, dir) => ({
    action: dir % 2 === 0 ? "read" : "write",
    target: { kind: "path", pattern: `/w/d${dir}/**` },
  }));
  const one = (id: string): Capability => ({
    ...{
      id,
      subject: "agent",
      issuer: "issuer",
      run: null,
      grants,
      budget: {},
      delegationDepth: 4,
      onRevoke: "refuse",
    },
    ...life,
  });
  return [one("root"), one(`middle-${at % 100}`), one(`leaf-${at}`)];
}

/** What a launch with a token of its own adds to a broker, without its processes. */
export function open(table: CapabilityTable, of: CapabilityChain, floor: Floor, whole: Session): Session {
  const held = table.add(of, clock.now());
  const authority = new Authority({ held: [held], parent: null, floor, tmp: "/tmp/own", clock });
  return {
    ...whole,
    authority,
    ownSharedMemory: new OwnSharedMemory(),
    ownTerminals: new OwnTerminals(),
    ownSockets: new OwnSockets(whole.platform),
    transactions: new Transactions(),
  };
}

function rounds(act: () => number): number[] {
  act();
  return Array.from({ length: ROUNDS }, act);
}

function lookUp(table: CapabilityTable, held: readonly Held[]): number {
  const handles = held.map(({ handle }) => handle);
  let found = 0;
  const start = performance.now();
  for (let at = 0; at < LOOK_UPS; at++) if (table.find(handles[(at * 7919) % SESSIONS]!) !== null) found++;
  const each = ((performance.now() - start) * 1e6) / LOOK_UPS;
  if (found !== LOOK_UPS) throw new Error("a handle was not found");
  return each;
}

function decide(sessions: readonly Session[]): number {
  const count = 20_000;
  let allowed = 0;
  // At work at a time are few of them.
  const busy = sessions.slice(0, BUSY);
  const requests = Array.from({ length: 720 }, (_, at) => {
    const dir = (at % (GRANTS / 2)) * 2;
    return { op: "open", path: `/w/d${dir}/f${dir + 1000 * (at % 90)}`, flags: 1, mode: 0 } as const;
  });
  const start = performance.now();
  for (let at = 0; at < count; at++) {
    const request = requests[at % requests.length]!;
    const session = busy[at % BUSY]!;
    if (decidePolicy(session.policy, request, 0).kind === "deny") continue;
    if (session.authority!.narrow(request).kind === "allow") allowed++;
  }
  const each = ((performance.now() - start) * 1e6) / count;
  if (allowed !== count) throw new Error("a request was refused");
  return each;
}

/** All descend from one: the worst there is. What was revoked is taken back for the next round. */
function revoked(table: CapabilityTable, sessions: readonly Session[], held: readonly Held[]): number[] {
  const request = { op: "open", path: "/w/d0/f0", flags: 1, mode: 0 } as const;
  return Array.from({ length: ROUNDS }, () => {
    for (const one of held) one.revoked = null;
    const start = performance.now();
    const ended = table.revokeId("root", "bench").length;
    const verdict = sessions.at(-1)!.authority!.narrow(request);
    const took = performance.now() - start;
    if (ended !== SESSIONS || verdict.kind !== "deny") throw new Error("it was not revoked");
    return took;
  });
}

function row(name: string, unit: string, values: number[], bar: number): Row {
  return {
    name,
    unit,
    value: median(values),
    floor: null,
    ratio: null,
    bar,
    sense: "most",
    noise: spread(values),
  };
}

export function residentKb(): number {
  return process.memoryUsage.rss() / 1024;
}
