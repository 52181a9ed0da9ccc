import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkBudget } from "../../../../src/policy/capability/budget.ts";
import type { Action, Capability } from "../../../../src/policy/capability/capability.ts";
import { compileCapability, fileLimitsOf, ruleSetOf } from "../../../../src/policy/capability/compile.ts";
import { permits } from "../../../../src/policy/capability/permits.ts";
import { compilePolicy, decide } from "../../../../src/policy/decide.ts";
import { OPEN, type Request } from "../../../../src/protocol/message.ts";
import { ACTS, capability } from "../../../support/arbitrary_capability.ts";

/** A request that does what an action stands for, and nothing else. */
function requestOf(action: Action, path: string): Request | null {
  switch (action) {
    case "read":
      return { op: "open", path, flags: OPEN.read, mode: 0 };
    case "write":
      return { op: "open", path, flags: OPEN.write | OPEN.truncate, mode: 0 };
    case "append":
      return { op: "open", path, flags: OPEN.write | OPEN.append, mode: 0 };
    case "create":
      return { op: "mkdir", path, mode: 0o777 };
    case "delete":
      return { op: "unlink", path, kind: "file" };
    case "rename":
      return { op: "rename", from: path, to: path, existing: "refuse" };
    case "list":
      return { op: "list", path };
    case "stat":
      return { op: "stat", path, follow: "nofollow" };
    case "metadata":
      return { op: "chmod", path, mode: 0, follow: "nofollow" };
    case "exec":
      return { op: "exec", path, argv: [], env: [], cwd: "/" };
    default:
      return null;
  }
}

it("what the rules allow, the capability permits, and the other way round, but for append", () => {
  let allowed = 0;
  let refused = 0;
  fc.assert(
    fc.property(capability, fc.constantFrom(...new Set(ACTS.map(({ timeMs }) => timeMs))), (leaf, timeMs) => {
      const compiled = compileCapability([leaf], timeMs);
      const policies = {
        files: compilePolicy("files", compiled.rules.files, 1),
        rename: compilePolicy("rename", compiled.rules.rename, 1),
        exec: compilePolicy("exec", compiled.rules.exec, 1),
      };
      // Limits are asked for apart; without them there is only the question which action is granted where.
      const plain: Capability = {
        ...leaf,
        grants: leaf.grants.map(({ action, target, window }) => ({
          action,
          target,
          ...(window === undefined ? {} : { window }),
        })),
      };
      for (const act of ACTS) {
        if (act.timeMs !== timeMs || act.target.kind !== "path") continue;
        const request = requestOf(act.action, act.target.path);
        if (request === null) continue;
        const isAllowed = decide(policies[ruleSetOf(request)], request, timeMs).kind === "allow";
        const byWrite = act.action === "append" ? { ...act, action: "write" as const } : act;
        expect(isAllowed, JSON.stringify(act)).toBe(permits(plain, byWrite));
        if (isAllowed) allowed++;
        else refused++;
        if (act.action !== "read" && act.action !== "write") continue;
        const limits = fileLimitsOf(compiled, act.action, act.target.path);
        const fits = limits.some(
          ({ maxSizeBytes, mimeTypes }) =>
            (act.action === "read" || maxSizeBytes === null || act.sizeBytes! <= maxSizeBytes) &&
            (mimeTypes === null ||
              mimeTypes.some((type) => type === act.mimeType || type === `${act.mimeType!.split("/")[0]}/*`)),
        );
        expect(fits).toBe(permits(leaf, act));
      }
    }),
    { numRuns: 60 },
  );
  expect(allowed).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(500);
});

describe("a window", () => {
  const SUNDAY = Date.UTC(1970, 0, 4);
  const MINUTE = 60_000;
  const leaf: Capability = {
    id: "a",
    subject: "s",
    issuer: "i",
    run: null,
    issuedMs: 0,
    notBeforeMs: 0,
    expiresMs: SUNDAY + 10_000 * MINUTE,
    grants: [
      {
        action: "read",
        target: { kind: "path", pattern: "/w" },
        window: { days: [0], fromMinute: 1380, toMinute: 60 },
      },
    ],
    budget: {},
    delegationDepth: 0,
    onRevoke: "refuse",
  };
  it.each([
    [1379, 0, 1380],
    [1380, 1, 1500],
    [1499, 1, 1500],
    [1500, 0, 10_000],
  ])("at minute %i of the week: %i grants, until minute %i", (minute, count, until) => {
    const compiled = compileCapability([leaf], SUNDAY + minute * MINUTE);
    expect(compiled.grants.length).toBe(count);
    expect(compiled.validUntilMs).toBe(SUNDAY + until * MINUTE);
  });
});

describe("a budget", () => {
  const spent = { maxUses: 3, maxFiles: 2, maxReadBytes: 10, maxWriteBytes: 0, maxDeletes: 0 };
  it.each([
    [{}, true],
    [{ maxUses: 3 }, true],
    [{ maxUses: 2 }, false],
    [{ maxUses: 3, maxReadBytes: 9 }, false],
    [{ maxDeletes: 0 }, true],
  ])("of %j is kept to: %j", (budget, isKept) => {
    expect(checkBudget(budget, spent)).toBe(isKept);
  });
});
