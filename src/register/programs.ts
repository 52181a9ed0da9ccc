import { Socket } from "node:net";
import type { Denial } from "../protocol/message.ts";
import type { Calls } from "./calls.ts";
import { uvName, uvNumber } from "./node_error.ts";
import { nodeBinding } from "./node_fs.ts";
import { registerProgramsThatWait } from "./programs_that_wait.ts";
import { endOf, kernelKill, type SpawnOptions, Starter, startPlainly } from "./start.ts";

type ProcessHandle = {
  pid?: number;
  onexit(exitCode: number, signal: string): void;
};
type ProcessPrototype = {
  spawn(this: ProcessHandle, ...given: unknown[]): number;
  kill(this: ProcessHandle, signal: number): number;
  ref(this: ProcessHandle): void;
  unref(this: ProcessHandle): void;
  hasRef(this: ProcessHandle): boolean;
};
type Emitter = { emit(name: string | symbol, ...args: unknown[]): boolean };

const EACCES = uvNumber("EACCES");

/**
 * Puts itself below Node's `child_process`: a program that the broker can start without a difference is started by it, decided on and on record. What it
 * can not be (with a channel of messages, as a leader of its own) the kernel starts, and what the floor refuses then has the denial of the broker.
 */
export function registerPrograms(calls: Calls): void {
  const starter = new Starter(calls);
  const native = nodeBinding("process_wrap", ["Process"]);
  const { prototype } = native["Process"] as { prototype: ProcessPrototype };
  const constants = native["constants"] as { kProcessFlagDetached?: number } | undefined;
  const detachedFlag = constants?.kProcessFlagDetached ?? 0;
  const brokered = new WeakMap<ProcessHandle, { readonly pid: number; readonly end: Socket }>();
  const { spawn, kill, ref, unref, hasRef } = prototype;

  prototype.spawn = function (...given) {
    const options = optionsOf(given, detachedFlag);
    const started = starter.start(options);
    if (started === null) {
      const status = startPlainly(options, (plain) => spawn.apply(this, withStdio(given, plain)));
      if (status === EACCES) tellDenial(this, starter.denialOf(options));
      return status;
    }
    if ("number" in started) {
      // As in libuv, where the program fails when its pipes are there.
      giveStreams(options, starter.endedPipes(options));
      tellDenial(this, started.denial);
      return started.number;
    }
    giveStreams(options, started.pipes);
    this.pid = started.pid;
    const end = new Socket({ fd: started.end, readable: true, writable: false });
    brokered.set(this, { pid: started.pid, end });
    const chunks: Buffer[] = [];
    end.on("data", (chunk) => chunks.push(chunk));
    end.on("error", () => {});
    end.on("close", () => {
      starter.ended();
      brokered.delete(this);
      const { exitCode, signal } = endOf(Buffer.concat(chunks));
      this.onexit(exitCode ?? 0, signal ?? "");
    });
    return 0;
  };
  prototype.kill = function (signal) {
    const ours = brokered.get(this);
    if (ours === undefined) return kill.call(this, signal);
    const status = starter.signal(ours.pid, signal);
    // As a child that has ended and has not been heard of yet.
    return uvName(status) === "ESRCH" ? 0 : status;
  };
  prototype.ref = function () {
    brokered.get(this)?.end.ref();
    ref.call(this);
  };
  prototype.unref = function () {
    brokered.get(this)?.end.unref();
    unref.call(this);
  };
  prototype.hasRef = function () {
    const socket = brokered.get(this)?.end as (Socket & { _handle?: { hasRef(): boolean } }) | undefined;
    return socket?._handle?.hasRef() ?? hasRef.call(this);
  };
  registerKill(starter);
  registerProgramsThatWait(starter);
}

/** Signals to what the broker started come from outside of its domain: the floor refuses them, and the broker knows better. */
function registerKill(starter: Starter): void {
  (process as unknown as { _kill: typeof kernelKill })._kill = (pid, signal) => {
    const status = kernelKill(pid, signal);
    return uvName(status) === "EPERM" && pid > 0 ? starter.signal(pid, signal) : status;
  };
}

/** Node 24 hands over what it handed over as an object one by one. */
function optionsOf(given: readonly unknown[], detachedFlag: number): SpawnOptions {
  if (typeof given[0] !== "string") return given[0] as SpawnOptions;
  const [file, args, cwd, envPairs, stdio, flags, uid, gid] = given;
  const detached = (Number(flags) & detachedFlag) !== 0;
  return { file, args, cwd, envPairs, stdio, detached, uid, gid } as SpawnOptions;
}

function withStdio(given: readonly unknown[], options: SpawnOptions): unknown[] {
  return typeof given[0] === "string" ? given.with(4, options.stdio) : [options];
}

function giveStreams({ stdio = [] }: SpawnOptions, pipes: readonly number[]): void {
  for (const [index, { handle }] of stdio.entries()) {
    const fd = pipes[index] ?? -1;
    if (fd >= 0) (handle as { open(fd: number): number }).open(fd);
  }
}

/** Node makes the error later, and emits it on the child that owns the handle. */
function tellDenial(handle: ProcessHandle, denial: Denial | null): void {
  if (denial === null) return;
  const symbol = Object.getOwnPropertySymbols(handle).find(
    ({ description }) => description === "owner_symbol",
  );
  const child = symbol && (handle as unknown as Record<symbol, Emitter>)[symbol];
  if (!child) return;
  const emit = child.emit;
  child.emit = (name, ...args) => {
    if (name === "error") {
      delete (child as { emit?: unknown }).emit;
      Object.assign(args[0] as object, { denial });
    }
    return emit.call(child, name, ...args);
  };
}
