import { describe, expect, it } from "vitest";
import { Backends } from "../../../src/limits/backends.ts";
import { Breaker } from "../../../src/limits/breaker.ts";
import { isMadeAgain } from "../../../src/limits/storms.ts";

const SETTINGS = { count: 8, windowMs: 10_000, share: 0 };

/** Gives the index of the first that opened it, or -1. */
function storm(breaker: Breaker, times: number, everyMs: number, fromMs = 0): number {
  for (let at = 0; at < times; at++) if (breaker.failed(fromMs + at * everyMs) === "opened") return at;
  return -1;
}

describe("a breaker", () => {
  it("opens at its count within the window, once", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    expect(storm(breaker, 20, 100)).toBe(7);
    expect(breaker.state).toBe("open");
    expect(storm(breaker, 20, 100, 3000)).toBe(-1);
  });

  it("bears what is slow", () => {
    expect(storm(new Breaker("deletes", SETTINGS), 1000, 1500)).toBe(-1);
  });

  it("forgets in slots of a tenth of its window", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    storm(breaker, 7, 0);
    expect(breaker.failed(9_999)).toBe("opened");
    const other = new Breaker("deletes", SETTINGS);
    storm(other, 7, 0);
    expect(other.failed(10_000)).toBe("same");
    expect(other.bad).toBe(1);
    const late = new Breaker("deletes", SETTINGS);
    storm(late, 7, 0, 5000);
    expect(late.failed(1e9)).toBe("same");
    expect(late.bad).toBe(1);
  });

  it("goes by the share of what went wrong, where it has one", () => {
    const breaker = new Breaker("errors", { ...SETTINGS, share: 0.5 });
    for (let at = 0; at < 20; at++) breaker.good(0);
    expect(storm(breaker, 30, 0)).toBe(19);
  });

  it("bears a quarter after it was opened, until a window has passed", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    storm(breaker, 8, 0);
    breaker.halfOpen(1000);
    expect(breaker.state).toBe("half-open");
    expect(storm(breaker, 5, 10, 1000)).toBe(1);
    breaker.halfOpen(2000);
    expect(breaker.failed(2000)).toBe("same");
    expect(breaker.failed(12_001)).toBe("same");
    expect(breaker.state).toBe("closed");
    expect(storm(breaker, 20, 0, 13_000)).toBe(6);
  });

  it("only goes from open to half-open", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    breaker.halfOpen(0);
    expect(breaker.state).toBe("closed");
  });

  it("leaves a run alone once it is disarmed", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    breaker.disarm();
    expect(storm(breaker, 100, 0)).toBe(-1);
    breaker.halfOpen(0);
    expect(breaker.state).toBe("disarmed");
  });

  it("takes back what it is told did not go wrong, also of an earlier slot, and never more than there is", () => {
    const breaker = new Breaker("deletes", SETTINGS);
    breaker.failed(0, 5);
    breaker.failed(1500, 2);
    breaker.forgive(3);
    expect(breaker.bad).toBe(4);
    breaker.forgive(100);
    expect(breaker.bad).toBe(0);
    expect(storm(breaker, 20, 0, 1500)).toBe(7);
  });

  it.each([-1e6, Number.NaN])("forgets nothing by a clock that says %d", (nowMs) => {
    const breaker = new Breaker("deletes", SETTINGS);
    storm(breaker, 7, 0, 5000);
    expect(breaker.failed(nowMs)).toBe("opened");
  });
});

describe("backends", () => {
  const settings = { count: 3, windowMs: 1000, restMs: 500, capacity: 2 };
  const failing = (backends: Backends, name: string, times: number, nowMs: number): void => {
    for (let at = 0; at < times; at++) backends.failed(name, nowMs);
  };

  it("are left alone after failures in a row, then tried by one alone", () => {
    const backends = new Backends(settings);
    failing(backends, "a:1", 2, 0);
    expect(backends.admit("a:1", 0)).toBe(0);
    failing(backends, "a:1", 1, 100);
    expect(backends.admit("a:1", 200)).toBe(400);
    expect(backends.admit("b:1", 200)).toBe(0);
    expect([backends.admit("a:1", 600), backends.admit("a:1", 600)]).toEqual([0, 500]);
    backends.failed("a:1", 650);
    expect(backends.admit("a:1", 700)).toBe(450);
    expect(backends.admit("a:1", 1150)).toBe(0);
    backends.succeeded("a:1");
    expect([backends.admit("a:1", 1150), backends.size]).toEqual([0, 0]);
  });

  it("are not left alone for failures that lie apart", () => {
    const backends = new Backends(settings);
    for (let nowMs = 0; nowMs < 50_000; nowMs += 1001) {
      expect(backends.admit("a:1", nowMs)).toBe(0);
      backends.failed("a:1", nowMs);
    }
  });

  it("are as many as there is place for", () => {
    const backends = new Backends(settings);
    for (let at = 0; at < 100; at++) failing(backends, `h${at}`, 3, at);
    expect(backends.size).toBe(2);
    expect([backends.admit("h0", 100), backends.admit("h99", 100)]).toEqual([0, 499]);
  });
});

describe("what is made again", () => {
  it.each([
    "/w/node_modules/a/b.js",
    "/w/build/x",
    "/w/build-debug/x",
    "/w/a.o",
    "/w/.git/objects/ab/cd",
    "/w/x.tmp",
  ])("%s is", (path) => expect(isMadeAgain(path)).toBe(true));
  it.each(["/w/node_modules", "/w/src/building/x.ts", "/w/photo.jpg", "/w/dist.md", "/w/.github/x", "/w/o"])(
    "%s is not",
    (path) => expect(isMadeAgain(path)).toBe(false),
  );
});
