import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layerOf } from "../../../../src/broker/layers/read_layers.ts";
import { loadProfile } from "../../../../src/broker/profiles.ts";
import { rulesOf } from "../../../../src/broker/rules.ts";
import { compilePolicy, decidePath } from "../../../../src/policy/decide.ts";
import { applyLayers } from "../../../../src/policy/layers/apply.ts";
import type { LayerKind } from "../../../../src/policy/layers/layer.ts";
import { widenings } from "../../../../src/policy/layers/widening.ts";
import type { ResolvedProfile } from "../../../../src/policy/profile.ts";
import { RIGHT, type RightName } from "../../../../src/policy/rights.ts";

const PLACES = {
  workspace: "/w",
  home: "/home/me",
  tmp: "/tmp/run",
  state: "/home/me/.local/state/sallyport",
};
const NO_FLOOR = (): readonly string[] => [];

type Rule = { effect: "allow" | "deny"; rights: RightName[]; paths: string[] };

function yamlOf(kind: LayerKind, rules: readonly Rule[], more: object = {}): string {
  const whole = rules.map((rule, at) => ({ id: `rule-${at}`, ...rule, reason: "Why" }));
  return JSON.stringify({ layer: kind, version: 1, description: "A layer", rules: whole, ...more });
}

const layer = (kind: LayerKind, rules: readonly Rule[], more: object = {}) =>
  layerOf(kind, `/${kind}.yaml`, yamlOf(kind, rules, more));

function profileOf(rules: readonly Rule[]): ResolvedProfile {
  const bits = (names: readonly RightName[]) => names.reduce((sum, name) => sum | RIGHT[name], 0);
  return {
    ...loadProfile(":workspace"),
    rules: rules.map(({ effect, rights, paths }, at) => ({
      id: `own-${at}`,
      effect,
      rights: bits(rights),
      patterns: paths,
      except: [],
      reason: "",
      remedy: "",
    })),
  };
}

const policyOf = (profile: ResolvedProfile) => compilePolicy("test", rulesOf({ profile }, PLACES));

const rights = fc.uniqueArray(fc.constantFrom<RightName>("read", "write", "list"), { minLength: 1 });
const segment = fc.constantFrom("a", "b", "*", "**", "a*");
const pattern = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`)
  .filter((text) => text.split("**").length < 3);
const rule = fc.record<Rule>({
  effect: fc.constantFrom("allow", "allow", "deny"),
  rights,
  paths: fc.array(pattern, { minLength: 1, maxLength: 3 }),
});
const path = fc
  .array(fc.constantFrom("a", "b", "ab", "c"), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);

describe("layers", () => {
  it("grant exactly what the profile and each of them grant", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rule, { maxLength: 4 }),
        fc.array(rule, { maxLength: 3 }),
        fc.array(rule, { maxLength: 3 }),
        fc.array(path, { minLength: 20, maxLength: 20 }),
        async (own, upper, lower, paths) => {
          const profile = profileOf(own);
          const layers = [await layer("managed", upper), await layer("project", lower)];
          const bound = policyOf(applyLayers(profile, layers, NO_FLOOR));
          const plain = policyOf(profile);
          for (const one of paths) {
            for (const right of ["read", "write", "list"] as const) {
              const allows = [upper, lower].every((rules) => {
                const only = (effect: string) =>
                  rules.filter((other) => other.effect === effect && other.rights.includes(right));
                const matches = (which: readonly Rule[]) =>
                  which.length > 0 &&
                  decidePath(
                    policyOf(profileOf(which.map((other) => ({ ...other, effect: "allow" })))),
                    one,
                    RIGHT[right],
                  ).kind === "allow";
                const ceiling = only("allow");
                return !matches(only("deny")) && (ceiling.length === 0 || matches(ceiling));
              });
              const expected = allows && decidePath(plain, one, RIGHT[right]).kind === "allow";
              expect(decidePath(bound, one, RIGHT[right]).kind, `${right} ${one}`).toBe(
                expected ? "allow" : "deny",
              );
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("leave what every program needs", async () => {
    const one = await layer("managed", [
      { effect: "allow", rights: ["write"], paths: ["${workspace}/src/**"] },
    ]);
    const bound = policyOf(
      applyLayers(loadProfile(":workspace"), [one], (right) => (right === "write" ? ["/dev/null"] : [])),
    );
    expect(decidePath(bound, "/dev/null", RIGHT.write).kind).toBe("allow");
    expect(decidePath(bound, "/w/src/a", RIGHT.write).kind).toBe("allow");
    expect(decidePath(bound, "/w/b", RIGHT.write)).toMatchObject({
      kind: "deny",
      rule: { id: "managed.ceiling" },
    });
    expect(decidePath(bound, "/w/b", RIGHT.create).kind).toBe("allow");
  });

  it("take the stricter word, the smaller number and the hosts of both", async () => {
    const profile = {
      ...loadProfile(":workspace"),
      network: {
        allow: ["*.acme.dev:443", "a.test:443"],
        listen: [8080, 9090],
        credentials: [
          { host: "api.acme.dev", header: "Authorization", entry: "kept" },
          { host: "other.acme.dev", header: "Authorization", entry: "taken" },
        ],
      },
      rlimits: { core: 0, nofile: 100 },
    };
    const one = await layer("user", [], {
      enforcement: "hard",
      mediation: "strict",
      undo: "journaled",
      network: { allow: ["api.acme.dev"], listen: [9090] },
      rlimits: { nofile: 50, nproc: 20 },
      fileLimits: { maxFiles: 5 },
      environment: { allow: ["LC_ALL", "PATH"] },
      linuxCapabilities: [],
    });
    const bound = applyLayers(profile, [one], NO_FLOOR);
    expect(bound).toMatchObject({
      mediation: "strict",
      network: { allow: ["api.acme.dev:443"], listen: [9090], credentials: [{ entry: "kept" }] },
      rlimits: { core: 0, nofile: 50, nproc: 20 },
    });
    expect(bound.fileLimits.maxFiles).toBe(5);
    expect([...bound.environment.allow].sort()).toEqual(["LC_ALL", "PATH"]);
  });

  it("bound rates with what is above them, quotas, breakers and keys", async () => {
    const profile = {
      ...loadProfile(":workspace"),
      limits: { delete: { perSecond: 10, burst: 20 } },
      quotas: { files: 100 },
      breakers: { deletes: { count: 500, seconds: 10 } },
      gpgKeys: { sign: ["A".repeat(40), "B".repeat(40)] },
    };
    const one = await layer("user", [], {
      limits: { delete: { perSecond: 5, burst: 50, above: "refuse" } },
      quotas: { files: 200, deletes: 7 },
      breakers: { deletes: { count: 100, seconds: 20 } },
      gpgKeys: { sign: ["B".repeat(40)] },
    });
    expect(applyLayers(profile, [one], NO_FLOOR)).toMatchObject({
      limits: { delete: { perSecond: 5, burst: 20, above: "refuse" } },
      quotas: { files: 100, deletes: 7 },
      breakers: { deletes: { count: 100, seconds: 20 } },
      gpgKeys: { sign: ["B".repeat(40)] },
    });
    // A layer that says nothing of it leaves what the profile refuses.
    const strict = { ...profile, limits: { delete: { perSecond: 10, burst: 20, above: "refuse" as const } } };
    const plain = await layer("user", [], { limits: { delete: { perSecond: 99, burst: 99 } } });
    expect(applyLayers(strict, [plain], NO_FLOOR).limits).toEqual(strict.limits);
  });

  it("say where a lower one would grant more, and by whom not", async () => {
    const managed = await layer(
      "managed",
      [{ effect: "allow", rights: ["write"], paths: ["${workspace}/**", "/srv/**"] }],
      { network: { allow: ["*.acme.dev"] } },
    );
    const wide = await layer(
      "project",
      [{ effect: "allow", rights: ["write"], paths: ["${workspace}/src/**", "/etc/**", "/srv/a/**"] }],
      { network: { allow: ["evil.test"] } },
    );
    const found = widenings(loadProfile(":workspace"), [managed, wide], PLACES, NO_FLOOR).map(
      ({ what, beyond }) => `${what}: ${beyond}`,
    );
    expect(found).toEqual([
      "write on /etc/**: /managed.yaml:1",
      "write on /etc/**: profile :workspace",
      "write on /srv/a/**: profile :workspace",
      "the host evil.test: /managed.yaml:1",
    ]);
  });

  it.each([
    ["a field that it may not have", { without: ["secrets.home"] }, /without is unknown/],
    ["a weaker word", { enforcement: "best-effort" }, /enforcement is "best-effort"/],
    ["values for variables", { environment: { set: { A: "b" } } }, /environment.set is unknown/],
    ["another kind than its place", { layer: "managed" }, /the file lies where the project layer is/],
  ])("refuse %s", async (_, more, message) => {
    await expect(layer("project", [], more)).rejects.toThrow(message);
  });
});
