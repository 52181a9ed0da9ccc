import { describe, expect, it } from "vitest";
import { compilePolicy, decide, decidePath, type Rule, requestPaths } from "../../../src/policy/decide.ts";
import { ALL_RIGHTS, RIGHT } from "../../../src/policy/rights.ts";
import { OPEN, OPEN_ALL, type Request } from "../../../src/protocol/message.ts";

const rule = (id: string, effect: Rule["effect"], rights: number, pattern: string): Rule => {
  return { id, effect, rights, pattern, reason: id };
};
const POLICY = compilePolicy("test", [
  rule("workspace", "allow", ALL_RIGHTS, "/w/**"),
  rule("docs", "allow", RIGHT.read | RIGHT.stat, "/w/docs/**"),
  rule("system", "allow", RIGHT.read | RIGHT.stat | RIGHT.execute, "/usr/**"),
  rule("secrets", "deny", ALL_RIGHTS, "**/.env"),
  rule("hooks", "deny", RIGHT.write | RIGHT.create, "/w/.git/hooks/**"),
]);
const { read, write, create, delete: remove, list, stat, metadata, execute } = RIGHT;

describe("requestPaths", () => {
  const follow = "follow";
  const cases: [Request, [string, number][]][] = [
    [{ op: "open", path: "/a", flags: OPEN.read, mode: 0 }, [["/a", read]]],
    [{ op: "open", path: "/a", flags: OPEN.append, mode: 0 }, [["/a", write]]],
    [{ op: "open", path: "/a", flags: OPEN.read | OPEN.truncate, mode: 0 }, [["/a", read | write]]],
    [{ op: "open", path: "/a", flags: OPEN.read | OPEN.create, mode: 0 }, [["/a", read | write | create]]],
    [{ op: "open", path: "/a", flags: OPEN.read | OPEN.directory, mode: 0 }, [["/a", list]]],
    [{ op: "open", path: "/a", flags: OPEN.pathOnly, mode: 0 }, [["/a", stat]]],
    [{ op: "open", path: "/a", flags: 0, mode: 0 }, [["/a", read]]],
    [
      { op: "open", path: "/a", flags: OPEN.temporary | OPEN.write | OPEN.directory, mode: 0 },
      [["/a/#tmp", create | write]],
    ],
    [{ op: "stat", path: "/a", follow }, [["/a", stat]]],
    [{ op: "list", path: "/a" }, [["/a", list]]],
    [{ op: "mkdir", path: "/a", mode: 0 }, [["/a", create]]],
    [{ op: "mknod", path: "/a", kind: "fifo", mode: 0 }, [["/a", create]]],
    [{ op: "unlink", path: "/a", kind: "file" }, [["/a", remove]]],
    [
      { op: "rename", from: "/a", to: "/b", existing: "refuse" },
      [
        ["/a", remove],
        ["/b", create],
      ],
    ],
    [
      { op: "rename", from: "/a", to: "/b", existing: "replace" },
      [
        ["/a", remove],
        ["/b", create | remove | write],
      ],
    ],
    [
      { op: "rename", from: "/a", to: "/b", existing: "exchange" },
      [
        ["/a", create | remove | write],
        ["/b", create | remove | write],
      ],
    ],
    [
      { op: "link", from: "/a", to: "/b", follow },
      [
        ["/a", read | write],
        ["/b", create],
      ],
    ],
    [{ op: "symlink", target: "/x", path: "/a" }, [["/a", create]]],
    [{ op: "chmod", path: "/a", mode: 0, follow }, [["/a", metadata]]],
    [{ op: "chown", path: "/a", uid: 0, gid: 0, follow }, [["/a", metadata]]],
    [{ op: "utimens", path: "/a", accessed: "now", modified: "keep", follow }, [["/a", metadata]]],
    [
      { op: "setxattr", path: "/a", name: "user.a", value: new Uint8Array(), existing: "any", follow },
      [["/a", metadata]],
    ],
    [{ op: "removexattr", path: "/a", name: "user.a", follow }, [["/a", metadata]]],
    [{ op: "truncate", path: "/a", sizeBytes: 0 }, [["/a", write]]],
    [{ op: "exec", path: "/a", argv: [], env: [], cwd: "/" }, [["/a", execute | read]]],
    [{ op: "refused", what: "mount", rule: "no-mount", errno: "EPERM" }, []],
  ];
  it.each(cases)("%j", (request, expected) => {
    expect(requestPaths(request)).toEqual(expected.map(([path, rights]) => ({ path, rights })));
  });

  it("asks for some right whatever the flags of an open", () => {
    for (let flags = 0; flags <= OPEN_ALL; flags++) {
      const [needed] = requestPaths({ op: "open", path: "/a", flags, mode: 0 });
      expect(needed!.rights).not.toBe(0);
      const writes = OPEN.write | OPEN.append | OPEN.truncate | OPEN.create | OPEN.temporary;
      if ((flags & writes) !== 0) expect(needed!.rights & write).toBe(write);
    }
  });
});

describe("decide", () => {
  it("names the most specific grant, and shares its verdict", () => {
    const verdict = decide(POLICY, { op: "open", path: "/w/docs/a", flags: OPEN.read, mode: 0 }, 0);
    expect(verdict).toMatchObject({ kind: "allow", rule: { id: "docs" } });
    expect(decidePath(POLICY, "/w/docs/b", RIGHT.read)).toBe(verdict);
  });

  it("denies what no rule grants, by default", () => {
    expect(decidePath(POLICY, "/usr/bin/cc", read | write)).toEqual({
      kind: "deny",
      rule: null,
      missing: write,
      path: "/usr/bin/cc",
    });
  });

  it("stops at the first path that fails", () => {
    const from = decide(POLICY, { op: "rename", from: "/usr/a", to: "/w/.env", existing: "replace" }, 0);
    expect(from).toMatchObject({ kind: "deny", rule: null, path: "/usr/a" });
    const to = decide(POLICY, { op: "rename", from: "/w/a", to: "/w/.env", existing: "replace" }, 0);
    expect(to).toMatchObject({ kind: "deny", rule: { id: "secrets" }, path: "/w/.env" });
    const hook = decide(
      POLICY,
      { op: "link", from: "/w/a", to: "/w/.git/hooks/pre-commit", follow: "follow" },
      0,
    );
    expect(hook).toMatchObject({ kind: "deny", rule: { id: "hooks" }, missing: create });
  });

  it("denies a refused request by its own rule", () => {
    const verdict = decide(POLICY, { op: "refused", what: "mount(2)", rule: "no-mount", errno: "EPERM" }, 0);
    expect(verdict).toMatchObject({ kind: "deny", rule: { id: "no-mount", reason: "mount(2)" } });
  });

  it.each([
    "",
    "w",
    "/w/../etc",
    "/w/./a",
    "/w//a",
    "/w/a/",
    "/w/a\0b",
    "/w/\ud800",
    `/w/${"é".repeat(2_050)}`,
    "//",
  ])("denies %j, which is not canonical", (path) => {
    expect(decidePath(POLICY, path, read)).toMatchObject({ kind: "deny", rule: null });
  });

  it("denies an empty set of rights, and everything under no rules", () => {
    expect(decidePath(POLICY, "/w/a", 0).kind).toBe("deny");
    expect(decidePath(compilePolicy("none", []), "/", stat).kind).toBe("deny");
  });
});
