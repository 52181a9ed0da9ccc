import { describe, expect, it } from "vitest";
import { cedarLayer } from "../../../../src/broker/cedar/bound.ts";
import { PreparedCedar } from "../../../../src/broker/cedar/prepared.ts";
import {
  type CedarDecision,
  type SlowPath,
  type SlowPathParts,
  startCedar,
} from "../../../../src/broker/cedar/slow_path.ts";
import type { LayerKind } from "../../../../src/policy/layers/layer.ts";
import { RIGHT } from "../../../../src/policy/rights.ts";

type Asked = ReturnType<NonNullable<SlowPathParts["prepare"]>>;

/** The slow path of some files, how often Cedar was asked, and what was told. */
function pathOf(
  files: Readonly<Record<string, string>>,
  more: Partial<SlowPathParts> & { readonly around?: (real: Asked) => Asked } = {},
) {
  let asks = 0;
  const told: CedarDecision[] = [];
  const { around = (real: Asked) => real, ...parts } = more;
  const layers = Object.entries(files).map(([kind, text]) =>
    cedarLayer(kind as LayerKind, `/etc/${kind}.cedar`, text, "writer"),
  );
  const path = startCedar(layers, {
    agent: "writer",
    run: "r",
    uid: 0,
    nowMs: () => 0,
    prepare: (...of) => {
      const real = around(new PreparedCedar(...of));
      return {
        ask(question) {
          asks++;
          return real.ask(question);
        },
      };
    },
    ...parts,
  })!;
  path?.tellTo((decision) => told.push(decision));
  return { path: path as SlowPath, told, asks: () => asks };
}

const CONNECT = 'action == Action::"connect"';
const EXECUTE = 'action == Action::"execute"';
const WEB = `@id("web") permit(principal, ${CONNECT}, resource) when { resource.port == 443 };\n`;
const NO_MAIL = `@id("no mail")\n@reason("Mail is for people")\nforbid(principal, ${CONNECT}, resource)\nwhen { resource.name like "mail.*" };\n`;
const NOTHING = () => null;

describe("a new host", () => {
  it("is decided once, and named with the policy and its line", () => {
    const { path, told, asks } = pathOf({ managed: WEB + NO_MAIL });
    for (let times = 0; times < 3; times++) {
      expect(path.connect("example.org", 443)).toBeNull();
      expect(path.connect("mail.example.org", 443)).toEqual({
        id: "policy.no-mail",
        reason: 'Mail is for people: Cedar policy "no-mail" forbids it (/etc/managed.cedar:2)',
        remedy: "Ask whoever administers this machine",
      });
      expect(path.connect("example.org", 80)).toMatchObject({
        id: "policy.no-permit",
        reason: expect.stringContaining("/etc/managed.cedar:1"),
      });
    }
    expect(asks()).toBe(3);
    expect(told).toEqual([
      { cedar: "connect", on: "example.org:443", verdict: "allow", by: "/etc/managed.cedar:1" },
      { cedar: "connect", on: "mail.example.org:443", verdict: "deny", by: expect.any(String) },
      { cedar: "connect", on: "example.org:80", verdict: "deny", by: expect.any(String) },
    ]);
  });

  it("is another one at another port, and the same name is no program", () => {
    const { path, asks } = pathOf({ user: WEB });
    expect(path.connect("a.test", 443)).toBeNull();
    expect(path.connect("a.test", 444)).not.toBeNull();
    expect(path.execute("a.test:443", NOTHING)).toBeNull();
    expect(asks()).toBe(2);
  });

  it("must be allowed by every file, and a file without a permit refuses what it forbids alone", () => {
    const { path } = pathOf({ managed: NO_MAIL, user: WEB });
    expect(path.connect("example.org", 443)).toBeNull();
    expect(path.connect("mail.test", 443)).toMatchObject({ id: "policy.no-mail" });
    expect(path.connect("example.org", 22)).toMatchObject({ id: "policy.no-permit" });
    expect(pathOf({ managed: NO_MAIL }).path.connect("example.org", 22)).toBeNull();
  });

  it("is decided anew in the next minute where a policy reads the time, and not otherwise", () => {
    let nowMs = Date.UTC(2026, 10, 25, 17, 59, 59);
    const day = `@id("day") permit(principal, ${CONNECT}, resource) when { context.minuteOfDay < 1080 };`;
    const timed = pathOf({ managed: day }, { nowMs: () => nowMs });
    const plain = pathOf({ managed: `${WEB}${NO_MAIL}` }, { nowMs: () => nowMs });
    expect(timed.path.connect("a.test", 443)).toBeNull();
    expect(plain.path.connect("a.test", 443)).toBeNull();
    nowMs += 1000;
    expect(timed.path.connect("a.test", 443)).toMatchObject({ id: "policy.no-permit" });
    expect(plain.path.connect("a.test", 443)).toBeNull();
    expect([timed.asks(), plain.asks()]).toEqual([2, 1]);
  });

  it("never makes the cache grow without end", () => {
    const { path, asks } = pathOf({ managed: WEB }, { around: () => ALLOWS });
    for (let host = 0; host < 5000; host++) path.connect(`h${host}.test`, 443);
    expect(path.size).toBe(4096);
    path.connect("h0.test", 443);
    path.connect("h4999.test", 443);
    expect(asks()).toBe(5001);
  });
});

describe("what can not be answered is refused, and asked again", () => {
  it.each<[string, Asked, RegExp]>([
    [
      "Cedar fails",
      {
        ask: () => {
          throw new Error("unreachable");
        },
      },
      /Cedar has failed: unreachable \(\/etc\/managed\.cedar\)/,
    ],
    [
      "a policy can not be evaluated, whatever another permits",
      { ask: () => ({ forbidding: [], permitting: ["0"], failed: [{ policy: "1", message: "overflow" }] }) },
      /policy "no-mail" can not be evaluated: overflow \(\/etc\/managed\.cedar:2\)/,
    ],
    [
      "it takes too long",
      {
        ask: () => {
          const until = performance.now() + 510;
          while (performance.now() < until);
          return { forbidding: [], permitting: ["0"], failed: [] };
        },
      },
      /not answered within 500 ms/,
    ],
  ])("%s", (_, engine, reason) => {
    const { path, asks } = pathOf({ managed: WEB + NO_MAIL }, { around: () => engine });
    for (let times = 0; times < 2; times++)
      expect(path.connect("a.test", 443)).toMatchObject({
        id: "policy.failed",
        reason: expect.stringMatching(reason),
      });
    expect(asks()).toBe(2);
    expect(path.size).toBe(0);
  });

  it("an overflow of Cedar's own", () => {
    const sum = `@id("sum") permit(principal, ${CONNECT}, resource) when { resource.port + 9223372036854775807 > 0 };`;
    expect(pathOf({ managed: sum + WEB }).path.connect("a.test", 443)).toMatchObject({ id: "policy.failed" });
  });
});

describe("a new program", () => {
  const BAD = "a".repeat(64);
  const NO_BAD = `@id("bad") forbid(principal, ${EXECUTE}, resource) when { resource has sha256 && resource.sha256 == "${BAD}" };`;

  it("is known by its content where a policy asks for it", () => {
    const { path, asks } = pathOf({ managed: NO_BAD });
    expect(path.execute("/opt/a", () => "b".repeat(64))).toBeNull();
    expect(path.execute("/opt/a", () => BAD)).toMatchObject({ id: "policy.bad" });
    expect(path.execute("/opt/a", () => "b".repeat(64))).toBeNull();
    expect(asks()).toBe(2);
  });

  it("whose content can not be read is refused where a policy asks for it", () => {
    expect(pathOf({ managed: NO_BAD }).path.execute("/opt/a", NOTHING)).toMatchObject({
      id: "policy.failed",
    });
    const byPlace = `forbid(principal, ${EXECUTE}, resource) when { resource in Dir::"/opt" };`;
    const { path } = pathOf({ managed: byPlace });
    expect(path.execute("/opt/a/b", NOTHING)).toMatchObject({ id: "policy.policy-1" });
    expect(path.execute("/optical", NOTHING)).toBeNull();
  });

  it("is not looked up where nothing is asked", () => {
    const { path } = pathOf({ managed: WEB });
    const digest = (): never => {
      throw new Error("it was read");
    };
    expect(path.execute("/opt/a", digest)).toBeNull();
  });
});

describe("rules and Cedar together", () => {
  const layer = (text: string) => cedarLayer("managed", "/etc/m.cedar", text, "writer");

  it("leave nothing to Cedar that rules can say", () => {
    const { rules, asked } = layer(
      'permit(principal, action in [Action::"read", Action::"execute"], resource in Dir::"/usr");',
    );
    expect(rules).toMatchObject([{ rights: RIGHT.read | RIGHT.execute }]);
    expect(asked).toBeUndefined();
  });

  it("do not bound execution by half of its permits", () => {
    const { rules, asked } = layer(
      `permit(principal, action in [Action::"read", Action::"execute"], resource in Dir::"/usr");
       permit(principal, ${EXECUTE}, resource in Dir::"/opt") when { context.minuteOfDay < 1080 };`,
    );
    expect(rules).toMatchObject([{ rights: RIGHT.read }]);
    expect(asked!.policies.execute.map(({ index }) => index)).toEqual([0, 1]);
  });

  it.each([
    [`permit(principal, action, resource) when { context.uid == 0 };`, /it has a condition/],
    [
      `permit(principal, action in [Action::"read", Action::"execute"], resource in Dir::"/a") when { context.uid == 0 };`,
      /it has a condition/,
    ],
    [
      `@path("/opt/*.sh") forbid(principal, ${EXECUTE}, resource in Dir::"/opt");\nforbid(principal, ${EXECUTE}, resource) when { context.uid == 0 };`,
      /m\.cedar:1/,
    ],
  ])("refuse what neither could decide: %s", (text, problem) => {
    expect(() => layer(text)).toThrow(problem);
  });
});

const ALLOWS: Asked = { ask: () => ({ forbidding: [], permitting: ["0"], failed: [] }) };
