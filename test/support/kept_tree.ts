import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Caller } from "../../src/broker/caller.ts";
import { FifoMeetings } from "../../src/broker/fifo_meetings.ts";
import { type Outcome, outcomeOf } from "../../src/broker/outcome.ts";
import { perform } from "../../src/broker/perform.ts";
import type { Session } from "../../src/broker/session.ts";
import { Keeper } from "../../src/broker/undo/keeper.ts";
import { openKept } from "../../src/broker/undo/kept_run.ts";
import { UndoRecorder } from "../../src/broker/undo/recorder.ts";
import type { Placement } from "../../src/files/undo/entry.ts";
import { readJournal, runDirectory, UndoJournal } from "../../src/files/undo/journal.ts";
import { makePlan } from "../../src/files/undo/plan.ts";
import { presentOf } from "../../src/files/undo/present.ts";
import { type Restored, restore, resume } from "../../src/files/undo/restore.ts";
import { type RolledBack, rollBack } from "../../src/files/undo/roll_back.ts";
import { seal } from "../../src/files/undo/seal.ts";
import { replay, unpack } from "../../src/files/undo/tree.ts";
import { linux } from "../../src/platform/linux.ts";
import { look, Store } from "../../src/platform/staging.ts";
import type { FileLimits } from "../../src/policy/profile.ts";
import type { Request } from "../../src/protocol/message.ts";
import { OPEN } from "../../src/protocol/message.ts";
import { treeSnapshot } from "./tree_snapshot.ts";

const RUN = "kept";
const EPERM = 1;

/** Thrown in place of a step: everything of ours stops here, and what is on disk is what a SIGKILL would leave. */
export class Killed extends Error {}

/** Counts steps, and stops at one of them. */
export class Steps {
  taken = 0;
  readonly #last: number;

  constructor(last: number = Number.POSITIVE_INFINITY) {
    this.#last = last;
  }

  take(): void {
    if (this.taken++ === this.#last) throw new Killed();
  }

  /** The object with a step before and after each call of a method. */
  around<T extends object>(object: T): T {
    return new Proxy(object, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          this.take();
          const result: unknown = Reflect.apply(member, target, args);
          this.take();
          return result;
        };
      },
    });
  }
}

export type Act =
  | Request
  /** Opens, writes and closes; or keeps it open. */
  | {
      readonly op: "write";
      readonly path: string;
      readonly flags: number;
      readonly text: string;
      readonly hold: boolean;
    }
  /** A transactional write, from its beginning to its commit. */
  | { readonly op: "transact"; readonly path: string; readonly text: string }
  /** Writes to what was kept open. */
  | { readonly op: "write-held"; readonly text: string };

/**
 * A workspace whose changes are kept by the real recorder, without a run around it: requests go through it as dispatch.ts would
 * send them. Goes away with its test.
 */
export class KeptTree {
  readonly root: string = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
  readonly workspace: string;
  readonly state: string;
  readonly before: readonly string[];
  readonly #journal: UndoJournal;
  readonly #store: Store;
  readonly #recorder: UndoRecorder;
  readonly #held: number[] = [];
  readonly #steps: Steps;

  /** `links` "refused": nothing can get a second name, as somebody else's file (fs.protected_hardlinks). */
  constructor(
    steps: Steps = new Steps(),
    placement: Placement = "moved",
    workspace?: string,
    links: "given" | "refused" = "given",
  ) {
    this.#steps = steps;
    this.workspace = workspace ?? join(this.root, "workspace");
    this.state = join(this.root, "state");
    plant(this.workspace);
    this.before = treeSnapshot(this.workspace);
    const directory = runDirectory(this.state, RUN);
    mkdirSync(join(directory, "undo"), { recursive: true, mode: 0o700 });
    chmodSync(this.state, 0o700);
    this.#journal = UndoJournal.create(directory);
    this.#journal.append({
      k: "begin",
      v: 1,
      run: RUN,
      uid: process.geteuid!(),
      user: "",
      workspace: this.workspace,
      place: placement,
      time: 0,
    });
    this.#store = this.#openStore();
    if (links === "refused") this.#store.linkIn = () => -EPERM;
    const keeper = new Keeper({
      journal: steps.around(this.#journal),
      store: steps.around(this.#store),
      placement,
      platform: linux,
      untracked: [join(this.root, "tmp/")],
      maxBytes: 1 << 30,
      maxEntries: 100_000,
      fileLimits: { maxBytes: null, maxFiles: null, mimeTypes: [] },
    });
    this.#recorder = new UndoRecorder(keeper, { denial: () => {} });
  }

  at(name: string): string {
    return join(this.workspace, name);
  }

  /** Does what a program would, and says how the broker answered. */
  act(act: Act): Outcome | null {
    if (act.op === "write-held") {
      for (const fd of this.#held) writeSync(fd, act.text);
      return null;
    }
    if (act.op === "transact") return this.#inSteps(this.#steps, () => this.#transact(act.path, act.text));
    if (act.op !== "write") return this.#perform(act);
    // A FIFO would wait for somebody.
    const flags = act.flags | OPEN.nonblock;
    const outcome = this.#perform({ op: "open", path: act.path, flags, mode: 0o644 });
    if (outcome.kind !== "descriptor") return outcome;
    if (act.flags & OPEN.write) writeSync(outcome.fd, act.text);
    if (act.hold) this.#held.push(outcome.fd);
    else closeSync(outcome.fd);
    return outcome;
  }

  #transact(path: string, text: string): Outcome {
    const found = look(path);
    const draft = this.#recorder.draft(path, typeof found === "number" ? null : found, 0o644, 0);
    if (typeof draft === "number") return { kind: "failed", errno: -draft };
    writeSync(draft.fd, text);
    try {
      return outcomeOf(draft.put());
    } finally {
      closeSync(draft.fd);
    }
  }

  #perform(request: Request): Outcome {
    const caller: Caller = {
      pid: process.pid,
      tid: process.pid,
      heldFd: -1,
      descriptors: [],
      waits: () => true,
    };
    const session = { platform: linux, fifos: new FifoMeetings() } as unknown as Session;
    const outcome = this.#recorder.perform(request, caller, (opening) =>
      perform(request, caller, session, opening),
    );
    if (outcome instanceof Promise) throw new Error("A small file is copied at once");
    return outcome;
  }

  /** The end of the run: what a broker that lives does. */
  seal(): void {
    this.#release();
    seal(this.#journal.read(), this.#journal, this.#store, "end");
  }

  /** The end of a run with limits, before it is sealed; throws Killed at a step. */
  rollBackInSteps(limits: FileLimits, steps: Steps): RolledBack[] {
    this.#release();
    return this.#inSteps(steps, () =>
      rollBack(steps.around(this.#journal), steps.around(this.#store), () => [[limits]]),
    );
  }

  /** `undo restore`, by a process of its own. */
  restore(only: readonly string[] = []): Restored {
    this.#release();
    const kept = openKept(this.state, RUN);
    try {
      return kept.restore(only);
    } finally {
      kept.close();
    }
  }

  /** A restore that may be killed at a step; throws Killed then. */
  restoreInSteps(steps: Steps): void {
    this.#release();
    const directory = runDirectory(this.state, RUN);
    const journal = UndoJournal.continue(directory);
    const store = this.#openStore();
    try {
      this.#inSteps(steps, () => {
        const tree = replay(readJournal(directory));
        unpack(tree, steps.around(store));
        resume(tree, steps.around(store));
        const plan = makePlan(tree, presentOf(store));
        restore(plan, steps.around(store), steps.around(journal));
      });
    } finally {
      store.close();
      journal.close();
    }
  }

  #inSteps<T>(steps: Steps, act: () => T): T {
    const plain = { ...linux };
    for (const name of Object.keys(plain)) {
      Object.assign(linux, { [name]: Reflect.get(steps.around(plain), name) });
    }
    try {
      return act();
    } finally {
      Object.assign(linux, plain);
    }
  }

  snapshot(): string[] {
    return treeSnapshot(this.workspace);
  }

  #openStore(): Store {
    return new Store(
      openSync(join(runDirectory(this.state, RUN), "undo"), constants.O_RDONLY | constants.O_DIRECTORY),
    );
  }

  #release(): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#store.close();
    rmSync(this.root, { recursive: true, force: true });
    rmSync(this.workspace, { recursive: true, force: true });
  }
}

function plant(workspace: string): void {
  const at = (name: string): string => join(workspace, name);
  for (const directory of ["", "a", "a/in", "b", "empty"]) mkdirSync(at(directory), { recursive: true });
  ["one", "a/two", "a/in/three", "b/four", "b/five"].forEach((name, number) => {
    // One that is exchanged for a twin; the small ones are packed.
    writeFileSync(at(name), `content of ${name}\n`.repeat(name === "a/two" ? 5000 : 1));
    chmodSync(at(name), number % 2 === 0 ? 0o640 : 0o604);
    utimesSync(at(name), 1_000_000_000 + number, 1_100_000_000.25 + number);
  });
  writeFileSync(at("b/blank"), "");
  linkSync(at("one"), at("b/linked"));
  symlinkSync("../one", at("a/symlink"));
  linux.setxattr(at("a/two"), "user.tag", Buffer.from("before"), "any");
  for (const directory of ["a/in", "a", "b", "empty", ""])
    utimesSync(at(directory), 1_200_000_000, 1_200_000_000);
}
