/** A confined launch until its end is reported, beside a plain vfork and exec, and beside bubblewrap. */
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { serveNotifications } from "../../src/broker/notify/front.ts";
import { filterSpec } from "../../src/broker/profiles.ts";
import type { Session } from "../../src/broker/session.ts";
import { binding, type NativeLauncher, type NativeLaunchSpec } from "../../src/platform/binding.ts";
import { buildFloor } from "../../src/platform/landlock.ts";
import { cachedFilter } from "../../src/platform/seccomp/cache.ts";
import { makeClassifier } from "../../src/platform/seccomp/classify.ts";
import { BenchBroker } from "../broker.ts";
import { floor } from "../floor.ts";
import { compare, median, type Row, spread } from "../measure.ts";

const ROUNDS = 11;
const LAUNCHES = 60;
const BALLAST_BYTES = 300 << 20;
const BWRAP = "/usr/bin/bwrap";
const BWRAP_ARGS = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-all", "/bin/true"];
const TREES = [
  "/usr",
  "/bin",
  "/lib",
  "/lib64",
  "/etc/ld.so.cache",
  "/etc/ld.so.preload",
  "/proc/self",
  "/dev/null",
];

type Round = { readonly value: number; readonly floor: number };

export async function run(): Promise<Row[]> {
  const broker = new BenchBroker();
  const session = broker.session("both records");
  const subject = new Subject(session, broker);
  await subject.begin();
  const light = await rounds(subject, []);
  const bwrap = existsSync(BWRAP) ? await rounds(subject, [BWRAP, ...BWRAP_ARGS]) : null;
  if (bwrap === null)
    console.error(`skipped: launch beside bubblewrap; there is no ${BWRAP} on this machine`);
  const ballast = Array.from({ length: BALLAST_BYTES >> 20 }, (_, i) => Buffer.alloc(1 << 20, (i % 255) + 1));
  const heavy = await rounds(subject, []);
  if (ballast.some((block) => block[0] === 0)) throw new Error("never: keeps the ballast");
  subject.close();
  await broker.close();

  const plain = (round: Round): number => round.value / round.floor;
  const rows = [compare("launch with Landlock, seccomp and its records", "µs", light, 1.3)];
  // Each against the floor of its own round: the machine may have changed its pace in between.
  const without = median(light.map(plain));
  const independence = heavy.map((round) => ({ value: plain(round), floor: without }));
  rows.push(compare("launch with 300 MB more heap, beside one without", "x vfork", independence, 1.1));
  if (bwrap !== null) rows.push(compare("launch beside bubblewrap with all namespaces", "µs", bwrap, 1 / 3));
  return rows.map((row) => ({ ...row, noise: Math.max(row.noise, spread(light.map(plain))) }));
}

async function rounds(subject: Subject, floorProgram: readonly string[]): Promise<Round[]> {
  const found: Round[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const least = await floor<number>("launch", [`${LAUNCHES}`, ...floorProgram]);
    const ours: number[] = [];
    for (let i = 0; i < LAUNCHES; i++) ours.push(await subject.launchTrue());
    if (round >= 0) found.push({ value: median(ours), floor: least / 1e3 });
  }
  return found;
}

/** A run that starts further programs: the launcher is warm, ruleset and filter are ready. */
class Subject {
  readonly #session: Session;
  readonly #spec: NativeLaunchSpec;
  readonly #launcher: NativeLauncher;
  readonly #null: number = openSync("/dev/null", "r+");
  readonly #classify = makeClassifier(filterSpec("base"), {
    mediation: "writes",
    memfd: "noexec",
    inet: "refused",
  }).classify;
  readonly #waiting = new Map<number, () => void>();
  readonly #gone = new Set<number>();

  constructor(session: Session, broker: BenchBroker) {
    this.#session = session;
    const options = { mediation: "writes", memfd: "noexec", inet: "refused" } as const;
    const { filter, listener } = cachedFilter(filterSpec("base"), options, join(broker.directory, "bpf"));
    this.#spec = {
      path: "/bin/true",
      argv: ["true"],
      env: [],
      cwd: broker.workspace,
      stdio: [this.#null, this.#null, this.#null],
      channelFd: -1,
      terminalIndex: -1,
      rulesetFd: buildFloor(TREES.map((path) => ({ path, access: "execute" }))).rulesetFd,
      stubFilter: new Uint8Array(0),
      filter,
      listener,
      user: null,
      keepCapabilities: [],
      umask: 0o22,
      rlimits: [],
      cpus: [],
    };
    const program = new URL(import.meta.resolve("#launcher")).pathname;
    this.#launcher = binding.startLauncher(
      program,
      (pid) => this.#exited(pid),
      () => {},
    );
  }

  /** The first program of a run is its leader, and outlives the others. */
  async begin(): Promise<void> {
    await this.#launch({ ...this.#spec, path: "/bin/sleep", argv: ["sleep", "1000"] });
  }

  /** Microseconds from the request until the end of the program is known. */
  async launchTrue(): Promise<number> {
    const { log } = this.#session;
    const caller = { pid: process.pid, tid: process.pid, heldFd: -1, descriptors: [], waits: () => true };
    const request = { op: "exec", path: "/bin/true", argv: ["true"], env: [], cwd: this.#spec.cwd } as const;
    const start = performance.now();
    const intent = log.intent(request, caller, "native.execute");
    const { pid, close } = await this.#launch(this.#spec);
    log.outcome(intent, request, { kind: "value", value: { pid } });
    if (!this.#gone.delete(pid)) await new Promise<void>((resolve) => this.#waiting.set(pid, resolve));
    const tookMs = performance.now() - start;
    close();
    return tookMs * 1e3;
  }

  close(): void {
    this.#launcher.close();
    closeSync(this.#null);
    closeSync(this.#spec.rulesetFd);
  }

  #launch(spec: NativeLaunchSpec): Promise<{ pid: number; close(): void }> {
    return new Promise((resolve, reject) => {
      this.#launcher.launch(spec, (failure, launched) => {
        if (launched === null) return reject(new Error(`Cannot launch: ${JSON.stringify(failure)}`));
        binding.closeFd(launched.pidfd);
        const front = serveNotifications(launched.listenerFd, this.#session, this.#classify, () => -1);
        resolve({ pid: launched.pid, close: () => front.close() });
      });
    });
  }

  #exited(pid: number): void {
    const waiting = this.#waiting.get(pid);
    this.#waiting.delete(pid);
    if (waiting === undefined) this.#gone.add(pid);
    else waiting();
  }
}
