/** The real path of a request, for the cases that measure it: rules of `:workspace`, limits, journal, the platform of Linux. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal, runLogDir } from "../src/audit/journal.ts";
import { openLogKey } from "../src/audit/key.ts";
import { lineParts } from "../src/audit/lines.ts";
import { FifoMeetings } from "../src/broker/fifo_meetings.ts";
import { NO_GPG } from "../src/broker/gpg_agent/grant.ts";
import { HooksPaths } from "../src/broker/hooks_path.ts";
import { runLimits } from "../src/broker/limits.ts";
import { NO_SOCKETS } from "../src/broker/network/brokered_sockets.ts";
import { OwnRepositories } from "../src/broker/own_repositories.ts";
import { OwnSharedMemory } from "../src/broker/own_shared_memory.ts";
import { OwnSockets } from "../src/broker/own_sockets.ts";
import { OwnTerminals } from "../src/broker/own_terminals.ts";
import { loadProfile } from "../src/broker/profiles.ts";
import { noPrograms } from "../src/broker/programs/program_table.ts";
import { rulesOf } from "../src/broker/rules.ts";
import { type RecordSink, RunLog } from "../src/broker/run_log.ts";
import type { Session } from "../src/broker/session.ts";
import { SshGrant } from "../src/broker/ssh_agent/grant.ts";
import { Tally } from "../src/broker/tally.ts";
import { WrittenFiles } from "../src/broker/tokens/written_files.ts";
import { Transactions } from "../src/broker/transactions.ts";
import { NO_UNDO } from "../src/broker/undo/undo.ts";
import { binding } from "../src/platform/binding.ts";
import { linux } from "../src/platform/linux.ts";
import type { Platform } from "../src/platform/platform.ts";
import { compilePolicy, policiesWithout } from "../src/policy/decide.ts";

/** What a session writes: nothing, which no run ever does, or both records of every request in a mapped journal. */
export type Records = "deciding only" | "both records";

/** A workspace with one file in it, and the sessions of a run there. */
export class BenchBroker {
  readonly directory: string = realpathSync(mkdtempSync(join(tmpdir(), "sallyport-bench-")));
  readonly workspace: string = join(this.directory, "work");
  readonly file: string = join(this.workspace, "src", "broker", "ops", "open.ts");
  readonly #journals: Journal[] = [];

  constructor() {
    mkdirSync(join(this.file, ".."), { recursive: true });
    mkdirSync(this.#path("home"));
    writeFileSync(this.file, "content\n");
  }

  session(records: Records, platform: Platform = linux): Session {
    const profile = loadProfile(":workspace");
    const places = {
      workspace: this.workspace,
      home: this.#path("home"),
      tmp: this.#path("tmp"),
      state: this.#path("state"),
    };
    // The buckets are asked as ever, but hold more than any bench takes out of them.
    const rate = { perSecond: 1e7, burst: 1e7 };
    const limits = { read: rate, write: rate, delete: rate, metadata: rate, exec: rate };
    const run = `bench${this.#journals.length}`;
    const sink = records === "both records" ? this.#journal(run) : new DroppingSink();
    return {
      run,
      containment: null,
      written: new WrittenFiles(),
      storms: null,
      agents: null,
      profile: profile.name,
      policy: compilePolicy(profile.name, rulesOf({ profile }, places)),
      policyWithout: policiesWithout(),
      programs: noPrograms(),
      ownRepositories: new OwnRepositories(),
      ownSharedMemory: new OwnSharedMemory(),
      ownTerminals: new OwnTerminals(),
      ownSockets: new OwnSockets(linux),
      ssh: new SshGrant(new Map(), ""),
      gpg: NO_GPG,
      pending: new Set(),
      hooksPaths: new HooksPaths(places.workspace, places.home),
      observer: null,
      fifos: new FifoMeetings(),
      limits: runLimits({ limits }),
      quotas: null,
      cedar: null,
      log: new RunLog(sink, lineParts(run, profile.name, 1000), new Tally(places.tmp)),
      undo: NO_UNDO,
      transactions: new Transactions(),
      platform,
      network: null,
      sockets: NO_SOCKETS,
      signal: () => -1,
      rootPid: process.pid,
      launch: () => Promise.reject(new Error("A bench launches nothing")),
    };
  }

  async close(): Promise<void> {
    for (const journal of this.#journals) await journal.abandon();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #journal(run: string): Journal {
    const state = this.#path("state");
    mkdirSync(state, { recursive: true });
    const journal = Journal.open({
      dir: runLogDir(state, run),
      run,
      key: openLogKey(state),
      mapShared: binding.mapShared,
      appendRecords: binding.appendRecords,
    });
    this.#journals.push(journal);
    return journal;
  }

  #path(name: string): string {
    return join(this.directory, name);
  }
}

/** Forgets every record: what is left is the cost of deciding and acting. */
class DroppingSink implements RecordSink {
  size = 0;

  append(_line: string): number {
    return this.size++;
  }
}
