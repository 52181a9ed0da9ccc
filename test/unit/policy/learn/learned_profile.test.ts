import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePolicy, decide, decidePath, type Policy, type Rule } from "../../../../src/policy/decide.ts";
import { type Learned, learnProfile } from "../../../../src/policy/learn/learned_profile.ts";
import { Observations, wantingPaths } from "../../../../src/policy/learn/observations.ts";
import { temporaryPattern } from "../../../../src/policy/learn/temporary_name.ts";
import { dirname, isWithin } from "../../../../src/policy/path.ts";
import { expandPattern } from "../../../../src/policy/pattern.ts";
import { profileProblems } from "../../../../src/policy/profile_fields.ts";
import { ALL_RIGHTS, RIGHT } from "../../../../src/policy/rights.ts";
import { OPEN, type Request } from "../../../../src/protocol/message.ts";

const SEED = 7;
const VARIABLES = { workspace: "/home/ann/project", home: "/home/ann", tmp: "/tmp/sallyport-x" };
const PLACES = [
  "/home/ann",
  "/home/bob",
  "/home/ann/project",
  "/home/ann/.local/state/sallyport",
  "/tmp/sallyport-x",
];

const rule = (effect: Rule["effect"], rights: number, pattern: string, id = "base"): Rule => ({
  id,
  effect,
  rights,
  pattern,
  reason: "",
});
const CHANGE = RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata;
const KEYS = rule("deny", ALL_RIGHTS, "/home/ann/tmp.keys", "secrets.keys");
const BASE: readonly Rule[] = [
  rule("allow", RIGHT.stat, "/**"),
  rule("allow", ALL_RIGHTS, "/home/ann/project/**"),
  rule("deny", ALL_RIGHTS & ~RIGHT.stat, "/home/ann/.ssh/**", "secrets.home"),
  rule("deny", ALL_RIGHTS & ~RIGHT.stat, "/**/.env", "secrets.files"),
  rule("deny", CHANGE, "/home/ann/.config/git/**", "protected.shell"),
  KEYS,
];
const FLOOR: readonly Rule[] = [
  rule("deny", CHANGE, "/etc/**", "learning.system"),
  rule("deny", CHANGE, "/home/ann/.local/bin/**", "learning.programs"),
];
const base = compilePolicy("base", BASE, SEED);
const observing = compilePolicy(
  "base",
  [...BASE, rule("allow", ALL_RIGHTS, "/**", "learned"), ...FLOOR],
  SEED,
);

function learn(requests: readonly Request[], executed: readonly string[] = []): Learned {
  const observations = new Observations();
  for (const request of requests) {
    if (decide(observing, request, 0).kind === "deny") continue;
    for (const wanting of wantingPaths(base, request)) observations.add(request.op, wanting);
  }
  return learnProfile({
    observations: observations.all(),
    executed,
    bounds: { policy: observing, places: PLACES, whole: ["/home/ann/project", "/tmp/sallyport-x"] },
    variables: VARIABLES,
    taken: ["base"],
  });
}

/** What a run with the learned profile would be judged by. */
function withLearned({ rules }: Learned): Policy {
  const learned = rules.flatMap(({ id, rights, paths }) =>
    paths.map((path) =>
      rule(
        "allow",
        rights.reduce((sum, one) => sum | RIGHT[one], 0),
        expandPattern(path, VARIABLES),
        id,
      ),
    ),
  );
  return compilePolicy("learned", [...BASE, ...learned], SEED);
}

const read = (path: string): Request => ({ op: "open", path, flags: OPEN.read, mode: 0 });
const make = (path: string): Request => ({ op: "open", path, flags: OPEN.write | OPEN.create, mode: 0o644 });
const unlink = (path: string): Request => ({ op: "unlink", path, kind: "file" });
const paths = (learned: Learned): string[] => learned.rules.flatMap((one) => one.paths);

describe("what is learned", () => {
  test("nothing, where the base suffices", () => {
    expect(learn([read("/home/ann/project/a"), make("/home/ann/project/b/c")])).toEqual({
      rules: [],
      execute: [],
      warnings: [],
    });
  });

  test("single names stay single names", () => {
    const learned = learn([read("/srv/data/a"), read("/srv/data/b"), make("/srv/out/x")]);
    expect(paths(learned)).toEqual(["/srv/data/a", "/srv/data/b", "/srv/out/x"]);
    expect(learned.rules[0]).toMatchObject({ rights: ["read"], effect: "allow" });
    expect(learned.rules[0]?.reason).toMatch(/2 operations on 2 names, first open \/srv\/data\/a/);
    expect(learned.rules[1]?.rights).toEqual(["write", "create"]);
  });

  test("many names of a directory become all of its names, many of its trees the tree", () => {
    expect(paths(learn(["a", "b", "c", "d"].map((name) => read(`/srv/data/${name}`))))).toEqual([
      "/srv/data/*",
    ]);
    const deep = ["a", "b", "c", "d"].map((name) => read(`/srv/data/${name}/file`));
    const learned = learn(deep);
    expect(paths(learned)).toEqual(["/srv/data/**"]);
    expect(learned.warnings.join()).toMatch(
      /a whole tree \(read\): \/srv\/data\/\*\*, of which 4 names were seen/,
    );
  });

  test("never the root, a top directory, a home, or what holds a name that a rule denies", () => {
    const in4 = (directory: string, request: (path: string) => Request): Request[] =>
      ["a", "b", "c", "d"].map((name) => request(`${directory}/${name}`));
    for (const directory of [
      "",
      "/srv",
      "/home",
      "/home/ann",
      "/home/bob",
      "/var/tmp",
      "/home/ann/.local/state",
    ]) {
      for (const pattern of paths(learn(in4(directory, read)))) expect(pattern).not.toMatch(/\*/);
    }
    // git's own configuration lies below, and the programs of the user.
    for (const directory of ["/home/ann/.config", "/home/ann/.local"]) {
      for (const pattern of paths(learn(in4(directory, make)))) expect(pattern).not.toMatch(/\*/);
      expect(paths(learn(in4(`${directory}/x`, make)))).toEqual([`\${home}${directory.slice(9)}/x/*`]);
    }
    expect(paths(learn(in4("/home/ann/.config", read)))).toEqual(["${home}/.config/*"]);
  });

  test("names chosen by chance become patterns where the run made them, and stay where it read them", () => {
    expect(paths(learn([make("/srv/t/tmp.x3QzR7pL"), unlink("/srv/t/tmp.x3QzR7pL")]))).toEqual([
      "/srv/t/tmp.*",
    ]);
    expect(paths(learn([read("/srv/t/tmp.x3QzR7pL")]))).toEqual(["/srv/t/tmp.x3QzR7pL"]);
    const inMade = learn([
      { op: "mkdir", path: "/srv/t/dir.Ab12Cd", mode: 0o700 },
      make("/srv/t/dir.Ab12Cd/file"),
      unlink("/srv/t/dir.Ab12Cd/file"),
      { op: "unlink", path: "/srv/t/dir.Ab12Cd", kind: "directory" },
    ]);
    expect(paths(inMade)).toEqual(["/srv/t/dir.*", "/srv/t/dir.*/*"]);
  });

  test("a wildcard covers no name that a rule denies by itself", () => {
    const chance = (path: string): string[] => paths(learn([make(path), unlink(path)]));
    expect(chance("/home/ann/tmp.Ab12Cd")).toEqual(["${home}/tmp.Ab12Cd"]);
    expect(chance("/home/bob/tmp.Ab12Cd")).toEqual(["/home/bob/tmp.*"]);
    // Of a name that is nothing but chance the pattern would be every name.
    expect(chance("/home/ann/.a1b2c3d4")).toEqual(["${home}/.a1b2c3d4"]);
    expect(chance("/srv/cache/a1b2c3d4")).toEqual(["/srv/cache/*"]);
    expect(temporaryPattern("release-notes.md", "gone")).toBe(null);
  });

  test("a path that a profile can not write is told of, or matched by one character", () => {
    const learned = learn([read("/srv/${home}/a*b")]);
    expect(paths(learned)).toEqual(["/srv/??home?/a\\*b"]);
    expect(withLearned(learned)).toBeDefined();
    expect(decide(withLearned(learned), read("/srv/${home}/a*b"), 0).kind).toBe("allow");
    const long = `/srv/${"d/".repeat(80)}x`;
    expect(learn([read(long)])).toMatchObject({
      rules: [],
      warnings: [`no pattern is long enough for ${long}: it is left out`],
    });
  });

  test("programs are named, many of one directory by it, and all are warned of", () => {
    expect(learn([], ["/srv/bin/a", "/home/ann/tool"])).toMatchObject({
      execute: ["/srv/bin/a", "${home}/tool"],
      warnings: [/outside the base: \/srv\/bin\/a/, /\$\{home\}\/tool/].map((one) =>
        expect.stringMatching(one),
      ),
    });
    expect(
      learn(
        [],
        ["a", "b", "c", "d"].map((one) => `/srv/bin/${one}`),
      ).execute,
    ).toEqual(["/srv/bin"]);
    expect(
      learn(
        [],
        ["a", "b", "c", "d"].map((one) => `/home/ann/${one}`),
      ).execute.length,
    ).toBe(4);
  });
});

const segment = fc.constantFrom(
  "a",
  "b",
  "c",
  "d",
  "e",
  "f",
  "tmp.Ab12Cd",
  "x.1234",
  ".env",
  ".ssh",
  ".config",
  "git",
  ".local",
  "bin",
  "q*",
  "{z}",
);
const top = fc.constantFrom(
  "/srv",
  "/home/ann",
  "/home/bob",
  "/etc",
  "/home/ann/project",
  "/tmp/sallyport-x",
  "/var/tmp",
  "/data/one",
);
const path = fc
  .tuple(top, fc.array(segment, { maxLength: 4 }))
  .map(([start, names]) => [start, ...names].join("/"));
const request: fc.Arbitrary<Request> = fc.oneof(
  path.map(read),
  path.map(make),
  path.map(unlink),
  path.map((one): Request => ({ op: "mkdir", path: one, mode: 0o755 })),
  path.map((one): Request => ({ op: "open", path: one, flags: OPEN.read | OPEN.directory, mode: 0 })),
  path.map((one): Request => ({ op: "chmod", path: one, mode: 0o644, follow: "follow" })),
  fc
    .tuple(path, path, fc.constantFrom("replace" as const, "refuse" as const, "exchange" as const))
    .map(([from, to, existing]): Request => ({ op: "rename", from, to, existing })),
);

describe("of any requests", () => {
  const requests = fc.array(request, { maxLength: 40 });

  test("the learned profile is valid, grants all that was granted, and denies all that was denied", () => {
    fc.assert(
      fc.property(requests, (seen) => {
        const learned = learn(seen);
        const fields = {
          name: "learned",
          version: 1,
          description: "",
          ...(learned.rules.length > 0 ? { rules: learned.rules } : {}),
        };
        expect(profileProblems(fields)).toEqual([]);
        const policy = withLearned(learned);
        for (const one of seen)
          expect(decide(policy, one, 0).kind, JSON.stringify(one)).toBe(decide(observing, one, 0).kind);
      }),
      { numRuns: 500 },
    );
  });

  test("nothing is granted outside of the directories that were seen, nor what observing would not grant", () => {
    fc.assert(
      fc.property(requests, path, fc.constantFrom(...Object.values(RIGHT)), (seen, probe, right) => {
        const policy = withLearned(learn(seen));
        if (
          decidePath(policy, probe, right).kind === "deny" ||
          decidePath(base, probe, right).kind === "allow"
        )
          return;
        expect(decidePath(observing, probe, right).kind, `${right} ${probe}`).toBe("allow");
        const asked = seen.flatMap((one) => wantingPaths(base, one)).map((one) => one.path);
        const isSeen = asked.some(
          (one) =>
            one === probe ||
            one.startsWith(`${dirname(probe)}/`) ||
            isWithin(probe, one) ||
            sharesTree(one, probe),
        );
        expect(isSeen, probe).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

/** A directory of at least two names, no home and none that holds one, in which both lie. */
function sharesTree(one: string, other: string): boolean {
  for (let at = dirname(one); at.split("/").length > 2; at = dirname(at)) {
    if (
      PLACES.some(
        (place) => place !== "/home/ann/project" && place !== "/tmp/sallyport-x" && isWithin(place, at),
      )
    )
      return false;
    if (isWithin(other, at)) return true;
  }
  return false;
}
