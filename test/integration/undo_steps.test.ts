import { existsSync, readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { linux } from "../../src/platform/linux.ts";
import { OPEN } from "../../src/protocol/message.ts";
import { type Act, KeptTree, Killed, Steps } from "../support/kept_tree.ts";

const NAMES = [
  "one",
  "a",
  "a/two",
  "a/in",
  "a/in/three",
  "b",
  "b/four",
  "b/five",
  "b/blank",
  "b/linked",
  "a/symlink",
  "empty",
  "new",
  "a/new",
  "new/inner",
  "b/new",
];
const WRITE = OPEN.write;

type Place = (name: string) => string;

/** Acts as a program makes them: most of them reach something, some fail. */
type Drawn = {
  readonly op: string;
  readonly name: string;
  readonly other: string;
  readonly hold: boolean;
  readonly number: number;
};

const drawn: fc.Arbitrary<Drawn> = fc.record({
  op: fc.constantFrom(
    "replace",
    "append",
    "update",
    "create",
    "truncate",
    "unlink",
    "rmdir",
    "mkdir",
    "rename",
    "exchange",
    "link",
    "symlink",
    "chmod",
    "utimens",
    "setxattr",
    "removexattr",
    "mknod",
    "held",
  ),
  name: fc.constantFrom(...NAMES),
  other: fc.constantFrom(...NAMES),
  hold: fc.boolean(),
  number: fc.nat(100),
});

function actOf({ op, name, other, hold, number }: Drawn, at: Place): Act {
  const path = at(name);
  const text = `written ${number}\n`;
  switch (op) {
    case "replace":
      return { op: "write", path, flags: WRITE | OPEN.create | OPEN.truncate, text, hold };
    case "append":
      return { op: "write", path, flags: WRITE | OPEN.append | OPEN.create, text, hold };
    case "update":
      return { op: "write", path, flags: WRITE | OPEN.read, text, hold };
    case "create":
      return { op: "write", path, flags: WRITE | OPEN.create | OPEN.exclusive, text, hold };
    case "truncate":
      return { op: "truncate", path, sizeBytes: number };
    case "unlink":
      return { op: "unlink", path, kind: "file" };
    case "rmdir":
      return { op: "unlink", path, kind: "directory" };
    case "mkdir":
      return { op: "mkdir", path, mode: 0o755 };
    case "rename":
      return { op: "rename", from: path, to: at(other), existing: "replace" };
    case "exchange":
      return { op: "rename", from: path, to: at(other), existing: "exchange" };
    case "link":
      return { op: "link", from: path, to: at(other), follow: "nofollow" };
    case "symlink":
      return { op: "symlink", target: other, path };
    case "chmod":
      return { op: "chmod", path, mode: 0o600 + (number % 64), follow: "nofollow" };
    case "utimens":
      return { op: "utimens", path, accessed: "keep", modified: BigInt(number), follow: "nofollow" };
    case "setxattr":
      return {
        op: "setxattr",
        path,
        name: "user.tag",
        value: Buffer.from(text),
        existing: "any",
        follow: "nofollow",
      };
    case "removexattr":
      return { op: "removexattr", path, name: "user.tag", follow: "nofollow" };
    case "mknod":
      return { op: "mknod", path, kind: "fifo", mode: 0o644 };
    default:
      return { op: "write-held", text };
  }
}

describe("whatever a program does", () => {
  test.each(["sealed", "unsealed"])(
    "a restore gives the tree from before: %s",
    { timeout: 300_000 },
    (how) => {
      fc.assert(
        fc.property(fc.array(drawn, { minLength: 1, maxLength: 25 }), (acts) => {
          using tree = new KeptTree();
          for (const act of acts) tree.act(actOf(act, (name) => tree.at(name)));
          if (how === "sealed") tree.seal();
          const { items, failures } = tree.restore();
          expect({ failures, kept: items.filter(({ state }) => state === "kept") }).toEqual({
            failures: [],
            kept: [],
          });
          expect(tree.snapshot()).toEqual(tree.before);
        }),
        { numRuns: 150, seed: 8 },
      );
    },
  );
});

/** One of each kind of change. */
const EACH: readonly ((at: Place) => Act)[] = [
  (at) => ({
    op: "write",
    path: at("a/two"),
    flags: WRITE | OPEN.create | OPEN.truncate,
    text: "new",
    hold: false,
  }),
  (at) => ({ op: "write", path: at("b/four"), flags: WRITE | OPEN.append, text: "more", hold: false }),
  (at) => ({
    op: "write",
    path: at("b/linked"),
    flags: WRITE | OPEN.truncate,
    text: "both names",
    hold: false,
  }),
  (at) => ({ op: "unlink", path: at("b/five"), kind: "file" }),
  (at) => ({ op: "unlink", path: at("empty"), kind: "directory" }),
  (at) => ({ op: "write", path: at("new"), flags: WRITE | OPEN.create, text: "new", hold: false }),
  (at) => ({ op: "rename", from: at("new"), to: at("a/in/three"), existing: "replace" }),
  (at) => ({ op: "mkdir", path: at("made"), mode: 0o755 }),
  (at) => ({ op: "rename", from: at("a/in"), to: at("made/in"), existing: "replace" }),
  (at) => ({ op: "rename", from: at("a"), to: at("b"), existing: "exchange" }),
  (at) => ({ op: "link", from: at("one"), to: at("made/one"), follow: "nofollow" }),
  (at) => ({ op: "symlink", target: "nowhere", path: at("made/symlink") }),
  (at) => ({ op: "chmod", path: at("made/in"), mode: 0o700, follow: "nofollow" }),
  (at) => ({
    op: "setxattr",
    path: at("b/two"),
    name: "user.more",
    value: Buffer.from("x"),
    existing: "any",
    follow: "nofollow",
  }),
  (at) => ({ op: "utimens", path: at("one"), accessed: "keep", modified: 5n, follow: "nofollow" }),
  (at) => ({ op: "truncate", path: at("one"), sizeBytes: 3 }),
];

describe("killed at every step", () => {
  test.each(["given", "refused"] as const)(
    "of a run: the restore of what it had done gives the tree from before; second names in the store are %s",
    {
      timeout: 300_000,
    },
    (links) => {
      let last = 0;
      for (let step = 0; ; step++) {
        const steps = new Steps(step);
        using tree = new KeptTree(steps, "moved", undefined, links);
        const killed = wasKilled(() => {
          for (const act of EACH) tree.act(act((name) => tree.at(name)));
        });
        const { items, failures } = tree.restore();
        expect({ step, failures, kept: items.filter(({ state }) => state === "kept") }).toEqual({
          step,
          failures: [],
          kept: [],
        });
        expect(tree.snapshot(), `killed at step ${step}`).toEqual(tree.before);
        last = step;
        if (!killed) break;
      }
      expect(last).toBeGreaterThan(50);
    },
  );

  test("of a restore: another one finishes it", { timeout: 300_000 }, () => {
    let last = 0;
    for (let step = 0; ; step++) {
      using tree = new KeptTree();
      for (const act of EACH) tree.act(act((name) => tree.at(name)));
      tree.seal();
      const killed = wasKilled(() => tree.restoreInSteps(new Steps(step)));
      const { items, failures } = tree.restore();
      expect({ step, failures, kept: items.filter(({ state }) => state === "kept") }).toEqual({
        step,
        failures: [],
        kept: [],
      });
      expect(tree.snapshot(), `killed at step ${step}`).toEqual(tree.before);
      last = step;
      if (!killed) break;
    }
    expect(last).toBeGreaterThan(50);
  });

  test.each(["moved", "copied"] as const)(
    "of transactional writes: each is there whole or not at all, and the restore gives the tree from before: %s",
    { timeout: 300_000 },
    (placement) => {
      const old = ["content of a/two\n".repeat(5000), "first\n", "second, and longer\n"];
      let last = 0;
      for (let step = 0; ; step++) {
        using tree = new KeptTree(new Steps(step), placement);
        const killed = wasKilled(() => {
          for (const text of old.slice(1)) tree.act({ op: "transact", path: tree.at("a/two"), text });
          tree.act({ op: "transact", path: tree.at("a/new"), text: "new\n" });
          tree.act({ op: "transact", path: tree.at("a/new"), text: "newer\n" });
        });
        expect(old, `killed at step ${step}`).toContain(readFileSync(tree.at("a/two"), "utf8"));
        const made = existsSync(tree.at("a/new")) ? readFileSync(tree.at("a/new"), "utf8") : "";
        expect(["", "new\n", "newer\n"], `killed at step ${step}`).toContain(made);
        const { items, failures } = tree.restore();
        expect({ step, failures, kept: items.filter(({ state }) => state === "kept") }).toEqual({
          step,
          failures: [],
          kept: [],
        });
        expect(tree.snapshot(), `killed at step ${step}`).toEqual(tree.before);
        last = step;
        if (!killed) break;
      }
      expect(last).toBeGreaterThan(30);
    },
  );

  test("of the end of a run that is beyond its limits", { timeout: 300_000 }, () => {
    let last = 0;
    for (let step = 0; ; step++) {
      using tree = new KeptTree();
      for (const act of EACH) tree.act(act((name) => tree.at(name)));
      const limits = { maxBytes: 2, maxFiles: null, mimeTypes: [] };
      let beyond = 0;
      const killed = wasKilled(() => {
        const found = tree.rollBackInSteps(limits, new Steps(step));
        expect(found.filter(({ isBack }) => !isBack)).toEqual([]);
        beyond = found.length;
      });
      if (!killed) {
        expect(beyond).toBeGreaterThan(2);
        tree.seal();
      }
      const { items, failures } = tree.restore();
      expect({ step, failures, kept: items.filter(({ state }) => state === "kept") }).toEqual({
        step,
        failures: [],
        kept: [],
      });
      expect(tree.snapshot(), `killed at step ${step}`).toEqual(tree.before);
      last = step;
      if (!killed) break;
    }
    expect(last).toBeGreaterThan(20);
  });
});

test("what somebody else makes at the moment of making is not the run's", () => {
  using tree = new KeptTree();
  const path = tree.at("new");
  // The last that is asked before the file is made.
  const asked = vi.spyOn(linux, "umaskOf").mockImplementationOnce(() => {
    writeFileSync(path, "theirs");
    return 0o022;
  });
  tree.act({ op: "write", path, flags: WRITE | OPEN.create | OPEN.truncate, text: "ours", hold: false });
  asked.mockRestore();
  expect(readFileSync(path, "utf8")).toBe("ours");
  tree.seal();
  tree.restore();
  expect(readFileSync(path, "utf8")).toBe("theirs");
});

function wasKilled(act: () => void): boolean {
  try {
    act();
    return false;
  } catch (error) {
    if (error instanceof Killed) return true;
    throw error;
  }
}
