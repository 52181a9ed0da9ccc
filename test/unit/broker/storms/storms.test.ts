/** Which breaker opens, with a disk and a clock that are given. */
import { describe, expect, test } from "vitest";
import type { Caller } from "../../../../src/broker/caller.ts";
import type { Cause } from "../../../../src/broker/containment.ts";
import type { StormDisk } from "../../../../src/broker/storms/disk.ts";
import { Storms } from "../../../../src/broker/storms/storms.ts";
import { DEFAULT_STORMS } from "../../../../src/limits/storms.ts";
import { OPEN, type Request } from "../../../../src/protocol/message.ts";

const CALLER = { pid: 7 } as Caller;

/** A folder whose old files are plain and whose new ones look encrypted; a millisecond for each request. */
class FakeMachine implements StormDisk {
  readonly causes: Cause[] = [];
  readonly #names = new Map<string, "old" | "other">();
  readonly #storms: Storms;
  #nowMs = 1;

  constructor(old: readonly string[]) {
    for (const path of old) this.#names.set(path, "old");
    this.#storms = new Storms({
      settings: DEFAULT_STORMS,
      disk: this,
      now: () => this.#nowMs,
      mayWrite: () => false,
      open: (cause) => this.causes.push(cause),
    });
  }

  standing(path: string): "old" | "nothing" | "other" {
    return this.#names.get(path) ?? "nothing";
  }

  looks(path: string): "encrypted" | "plain" | "unread" {
    const name = this.#names.get(path);
    return name === undefined ? "unread" : name === "old" ? "plain" : "encrypted";
  }

  programOf(): string {
    return "/usr/bin/python3";
  }

  write(path: string): void {
    this.#do({ op: "open", path, flags: OPEN.write | OPEN.create, mode: 0o600 } as Request, () =>
      this.#names.set(path, "other"),
    );
  }

  unlink(path: string): void {
    this.#do({ op: "unlink", path, kind: "file" } as Request, () => this.#names.delete(path));
  }

  #do(request: Request, effect: () => void): void {
    this.#nowMs++;
    const before = this.#storms.before(request);
    effect();
    this.#storms.after(before, request, CALLER, { kind: "done" } as never);
  }

  judge(): void {
    this.#storms.judge();
  }

  [Symbol.dispose](): void {
    this.#storms.close();
  }
}

const old = Array.from({ length: 1000 }, (_, at) => `/w/docs/f${at}.txt`);

describe("files that are replaced by encrypted ones under other names", () => {
  test("are one cause with their deletion, and the worse one is told, however fast it goes", () => {
    using machine = new FakeMachine(old);
    for (const [at, path] of old.entries()) {
      machine.write(`/w/docs/${at.toString(16)}`);
      machine.unlink(path);
    }
    expect(machine.causes).toMatchObject([{ by: "breaker", breaker: "entropy" }]);
  });

  test("are found behind many names that are gone", () => {
    using machine = new FakeMachine(old);
    for (const [at, path] of old.slice(0, 300).entries()) {
      machine.write(`/w/docs/${at.toString(16)}`);
      machine.unlink(path);
    }
    expect(machine.causes).toEqual([]);
    machine.judge();
    expect(machine.causes).toMatchObject([{ by: "breaker", breaker: "entropy" }]);
  });
});

test("files that are only deleted are told as that", () => {
  using machine = new FakeMachine(old);
  for (const path of old) machine.unlink(path);
  expect(machine.causes).toMatchObject([{ by: "breaker", breaker: "deletes" }]);
});
