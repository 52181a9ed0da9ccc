import fc from "fast-check";
import { ACTIONS, type Action, type Capability, type Grant } from "../../src/policy/capability/capability.ts";
import { parseCells } from "../../src/policy/capability/cell_target.ts";
import type { Act } from "../../src/policy/capability/permits.ts";
import { parseNetworkGrant } from "../../src/policy/network.ts";

/** Capabilities over so small a world that every act in it can be tried. */

export const HOUR = 3_600_000;
const PATTERNS = [
  "/w/**",
  "/w/*",
  "/w/a",
  "/w/a*",
  "/w/*a",
  "/w/?",
  "/w/a/**",
  "/**",
  "**/a",
  "/w/**/a",
  "/w/b",
  "/x/*",
];
const PATHS = ["/w", "/w/a", "/w/b", "/w/aa", "/w/ba", "/w/a/a", "/w/a/b", "/w/b/a", "/x", "/x/a", "/"];
const HOSTS = [
  "a.test:443",
  "*.test:443",
  "a.test:*",
  "*.test",
  "b.a.test:80",
  "test:443",
  "10.0.0.0/8:443",
  "10.1.0.0/16:443",
  "10.1.2.3:443",
  "0.0.0.0/0:443",
  "8.8.8.0/24:443",
  "8.8.8.8:443",
  "169.254.0.0/16:*",
  "169.254.169.254:*",
  "[::/0]:443",
  "[::/97]:443",
  "[::1]:443",
  "localhost:443",
];
const ENDPOINTS: readonly (readonly [string, number])[] = [
  ["a.test", 443],
  ["a.test", 80],
  ["b.a.test", 80],
  ["test", 443],
  ["10.1.2.3", 443],
  ["10.9.9.9", 443],
  ["8.8.8.8", 443],
  ["8.8.8.9", 443],
  ["169.254.169.254", 80],
  ["169.254.1.1", 80],
  ["::5", 443],
  ["::1", 443],
  ["127.0.0.1", 443],
  ["2a00::1", 443],
];
const CELLS = ["/w/a#S!A1:B2", "/w/a#S!A1", "/w/a#S!B2", "/w/a#T!A1:C9", "/w/b#S!A1:B2"];
const SIZES = [10, 20, 30];
const TYPES = ["image/png", "image/gif", "text/plain"];
const TYPE_LISTS = [["image/*"], ["image/png"], ["image/png", "text/plain"], []];
/** A Sunday, as days of the epoch go: 1970-01-04. */
const SUNDAY = 3 * 24 * HOUR;
const TIMES = [0, 9, 12, 23.5, 24, 25, 33, 24 * 6 + 23, 24 * 7 + 1].map((hours) => SUNDAY + hours * HOUR);

const limits = {
  maxSizeBytes: fc.option(fc.constantFrom(...SIZES), { nil: undefined, freq: 2 }),
  mimeTypes: fc.option(fc.constantFrom(...TYPE_LISTS), { nil: undefined, freq: 2 }),
  window: fc.option(
    fc.record({
      days: fc.constantFrom([0], [0, 1], [6], [0, 1, 2, 3, 4, 5, 6]),
      fromMinute: fc.constantFrom(0, 540, 1380),
      toMinute: fc.constantFrom(60, 720, 1440),
    }),
    { nil: undefined, freq: 3 },
  ),
};
const FILE_ACTIONS = ACTIONS.filter((action) => action !== "connect" && action !== "listen");

const pathGrant = fc.record({
  action: fc.constantFrom<Action>(...FILE_ACTIONS, "read", "write", "read", "write"),
  target: fc.constantFrom(...PATTERNS).map((pattern) => ({ kind: "path" as const, pattern })),
  ...limits,
});
const hostGrant = fc.record({
  action: fc.constant<Action>("connect"),
  target: fc
    .constantFrom(...HOSTS)
    .map((text) => ({ kind: "host" as const, host: parseNetworkGrant(text)! })),
  window: limits.window,
});
const cellGrant = fc.record({
  action: fc.constantFrom<Action>("read", "write"),
  target: fc.constantFrom(...CELLS).map((text) => parseCells(text)!),
  window: limits.window,
});
export const grant: fc.Arbitrary<Grant> = fc.oneof(
  { weight: 5, arbitrary: pathGrant },
  { weight: 3, arbitrary: hostGrant },
  { weight: 1, arbitrary: cellGrant },
) as fc.Arbitrary<Grant>;

const budgetPart = fc.option(fc.nat(5), { nil: undefined, freq: 2 });
export const capability: fc.Arbitrary<Capability> = fc.record({
  id: fc.uuid(),
  subject: fc.constantFrom("p", "p/s", "q"),
  issuer: fc.constant("issuer"),
  run: fc.constantFrom(null, null, "r1", "r2"),
  issuedMs: fc.constant(0),
  notBeforeMs: fc.constantFrom(SUNDAY, SUNDAY + 10 * HOUR),
  expiresMs: fc.constantFrom(SUNDAY + 12 * HOUR, SUNDAY + 240 * HOUR),
  grants: fc.array(grant, { maxLength: 4 }),
  budget: fc.record({ maxUses: budgetPart, maxFiles: budgetPart }) as fc.Arbitrary<Capability["budget"]>,
  delegationDepth: fc.nat(8),
  onRevoke: fc.constantFrom("refuse", "freeze", "kill"),
});

/** What somebody asks of `parent`: some fields are kept, some are chosen anew, with no care for whether that is wider. */
export function childOf(parent: Capability): fc.Arbitrary<Capability> {
  const kept = fc.constant(parent);
  const mostly = <K extends keyof Capability>(key: K): fc.Arbitrary<Capability[K]> =>
    fc.oneof(
      { weight: 12, arbitrary: kept.map((found) => found[key]) },
      { weight: 1, arbitrary: capability.map((other) => other[key]) },
    );
  const changed = (found: Grant): fc.Arbitrary<Grant> =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(found) },
      {
        weight: 4,
        arbitrary: grant.map((other) =>
          other.target.kind === found.target.kind ? { ...found, target: other.target } : found,
        ),
      },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom(...ACTIONS)
          .map((action) => ({ ...found, action: found.target.kind === "path" ? action : found.action })),
      },
      { weight: 2, arbitrary: grant.map(({ window }) => ({ ...found, window }) as Grant) },
      {
        weight: 2,
        arbitrary: grant.map(
          ({ maxSizeBytes, mimeTypes }) => ({ ...found, maxSizeBytes, mimeTypes }) as Grant,
        ),
      },
    );
  const grants =
    parent.grants.length === 0
      ? fc.constant([])
      : fc.tuple(...parent.grants.map(changed)).chain((all) => fc.subarray(all));
  return fc.record({
    id: fc.uuid(),
    subject: mostly("subject"),
    issuer: mostly("issuer"),
    run: mostly("run"),
    issuedMs: mostly("issuedMs"),
    notBeforeMs: mostly("notBeforeMs"),
    expiresMs: mostly("expiresMs"),
    grants,
    budget: mostly("budget"),
    delegationDepth: fc.constant(Math.max(0, parent.delegationDepth - 1)),
    onRevoke: mostly("onRevoke"),
  });
}

/** Every act there is in the world. */
export const ACTS: readonly Act[] = TIMES.flatMap((timeMs) => [
  ...FILE_ACTIONS.flatMap((action) =>
    PATHS.flatMap((path) => {
      const act: Act = { action, target: { kind: "path", path }, timeMs };
      if (!["read", "write", "append"].includes(action)) return [act];
      const typed = TYPES.map((mimeType): Act => ({ ...act, mimeType }));
      return action === "read"
        ? typed
        : typed.flatMap((one) => [5, 15, 25, 35].map((sizeBytes): Act => ({ ...one, sizeBytes })));
    }),
  ),
  ...ENDPOINTS.map(
    ([host, port]): Act => ({ action: "connect", target: { kind: "host", host, port }, timeMs }),
  ),
  ...(["read", "write"] as const).flatMap((action) =>
    CELLS.map(
      (text): Act => ({ action, target: parseCells(text)!, timeMs, sizeBytes: 15, mimeType: "text/plain" }),
    ),
  ),
]);
