import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGitConfig, refusedGitConfigChange } from "../../../src/policy/git_config.ts";

const OLD = `[core]
	repositoryformatversion = 0
	bare = false
	pager = less
[remote "origin"]
	url = https://example.org/a.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
	remote = origin
	merge = refs/heads/main
`;

describe("what may change", () => {
  test.each([
    ["a name", `${OLD}[user]\n\tname = Ann Example\n\temail = ann@example.org\n`],
    [
      "a further remote",
      `${OLD}[remote "fork"]\n\turl = git@example.org:fork.git\n\tfetch = +refs/heads/*:refs/remotes/fork/*\n`,
    ],
    ["a further branch", `${OLD}[branch "topic/x"]\n\tremote = origin\n\tmerge = refs/heads/topic/x\n`],
    ["a submodule", `${OLD}[submodule "lib"]\n\tactive = true\n\turl = https://example.org/lib.git\n`],
    ["a further key of a branch", OLD.replace("\tmerge", "\trebase = true\n\tmerge")],
    ["comments and spaces", `# mine\n\n${OLD.replace("bare = false", "bare=false ; really")}`],
    ["a plain key taken out", OLD.replace("\trepositoryformatversion = 0\n", "")],
  ])("%s", (_, text) => expect(refusedGitConfigChange(OLD, text)).toBe(null));

  test("what git init and git clone write, where nothing was", () => {
    expect(refusedGitConfigChange("", OLD.replace("\tpager = less\n", ""))).toBe(null);
  });
});

describe("what may not", () => {
  const more = (text: string): string => `${OLD}${text}`;
  test.each([
    ["a program of core", more("[core]\n\tfsmonitor = touch owned\n")],
    ["in other letters", more("[CORE]\n\tFsMonitor = touch owned\n")],
    ["the hooks", more("[core]\n\thooksPath = /tmp\n")],
    ["ssh", more("[core]\n\tsshCommand = evil\n")],
    ["an alias", more("[alias]\n\tst = !evil\n")],
    ["a filter", more('[filter "x"]\n\tclean = evil\n')],
    ["a diff driver", more('[diff "x"]\n\ttextconv = evil\n')],
    ["a merge driver", more('[merge "x"]\n\tdriver = evil\n')],
    ["credentials", more("[credential]\n\thelper = !evil\n")],
    ["another file", more("[include]\n\tpath = evil\n")],
    ["another file, on a condition", more('[includeIf "gitdir:/"]\n\tpath = evil\n')],
    ["where a url leads", more('[url "https://evil.example/"]\n\tinsteadOf = https://example.org/\n')],
    ["a transport", more('[remote "x"]\n\turl = ext::sh -c evil\n')],
    ["an option in place of a host", more('[remote "x"]\n\turl = -oProxyCommand=evil\n')],
    ["a program of a remote", more('[remote "x"]\n\tuploadpack = evil\n')],
    ["an update by command", more('[submodule "x"]\n\tupdate = !evil\n')],
    ["a proxy", more("[http]\n\tproxy = http://evil.example\n")],
    [
      "a second url of a remote that was there",
      OLD.replace("\tfetch", "\turl = https://evil.example/\n\tfetch"),
    ],
    ["the url of a remote that was there", OLD.replace("example.org", "evil.example")],
    [
      "a remote that was there, taken out",
      OLD.slice(0, OLD.indexOf("[remote")) + OLD.slice(OLD.indexOf("[branch")),
    ],
    ["where a branch that was there pushes", OLD.replace("remote = origin", "remote = fork")],
    [
      "where a new branch pushes",
      more('[remote "fork"]\n\turl = https://evil.example/\n[branch "x"]\n\tremote = fork\n'),
    ],
    [
      "where a remote that was there is pushed",
      OLD.replace("\tfetch", "\tpushurl = https://evil.example/\n\tfetch"),
    ],
    ["a fetch over one's own branches", more('[remote "x"]\n\tfetch = +refs/heads/*:refs/heads/*\n')],
    ["a program taken out", OLD.replace("\tpager = less\n", "")],
    ["another value of a program", OLD.replace("pager = less", "pager = evil")],
    ["a section in the old spelling", more("[core.x]\n\tfsmonitor = evil\n")],
    ["a value over two lines", more("[user]\n\tname = a\\\nb\n[x]\n")],
    ["a key on the line of its section", more("[core] fsmonitor = evil\n")],
    ["a quote that does not close", more('[user]\n\tname = "a\n')],
    ["a carriage return", more("[user]\n\tname = a\r\n\tfsmonitor = evil\n")],
    ["a NUL", more("[user]\n\tname = a\0\n")],
    ["a key without a section", `fsmonitor = evil\n${OLD}`],
    ["an old text that is not plain", OLD],
  ])("%s", (name, text) => {
    const old = name.startsWith("an old text") ? `${OLD}\\` : OLD;
    expect(refusedGitConfigChange(old, text)).toMatch(/^it /);
  });
});

test("what is read is what git reads", () => {
  const directory = mkdtempSync(join(tmpdir(), "sallyport-git-config-"));
  const file = join(directory, "config");
  const line = fc.constantFrom(
    "[core]",
    '[remote "a b"]',
    '[remote "q\\"x"]',
    "[x.y]",
    "[a-b]",
    "key = value",
    "\tkey=value ; c",
    "key",
    '  k2 = "a # b" c # d',
    'k3 = "\\"x\\\\"',
    "k4 = a\\",
    "# c",
    "; c",
    "",
    "k5 = \\t",
    "9 = x",
    'k6 = "',
    "[core] k = v",
    "k-7 =  spaced  out  ",
    "k_8 = x",
    "k9 = ü",
  );
  try {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = `${lines.join("\n")}\n`;
        const entries = parseGitConfig(text);
        if (entries === null) return;
        writeFileSync(file, text);
        const listed = execFileSync("git", ["config", "-z", "--file", file, "--list"], { encoding: "utf8" });
        const seen = listed
          .split("\0")
          .slice(0, -1)
          .map((one) => one.split("\n"));
        expect(
          entries.map(({ section, subsection, key, value }) => [
            [section, subsection, key].filter((part) => part !== "").join("."),
            value,
          ]),
        ).toEqual(seen.map(([name, value = ""]) => [name, value]));
      }),
      { numRuns: 150 },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);
