/** The preload library: unmodified programs in a run where nothing is trapped. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { type Confined, confined } from "../support/confined.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";

function run(
  arena: Arena,
  command: readonly string[],
  flags: readonly string[] = ["--preload"],
): Promise<Confined> {
  return confined(arena, command, { profile: arena.put("home/unmediated.yaml", KERNEL_PROFILE), flags });
}

const shell = (arena: Arena, script: string, flags?: readonly string[]): Promise<Confined> =>
  run(arena, ["bash", "-ec", script], flags);

test("without it a program can not write, with it it can, and each act is on record", async () => {
  using arena = new Arena();
  const script =
    "echo x > made; mkdir d; mv made d/moved; ln -s d/moved l; chmod 600 d/moved; touch -d @1 d/moved; rm l";
  const without = await shell(arena, script, []);
  expect(without.exitCode, without.stdout).toBe(1);
  expect(without.stderr).toContain("made: Permission denied");
  expect(without.records.filter(({ kind }) => kind === "intent")).toEqual([]);
  const { exitCode, stderr, records, report } = await shell(arena, script);
  expect(exitCode, stderr).toBe(0);
  expect(report?.mediation).toBe("kernel");
  const made = records
    .filter(({ kind }) => kind === "intent")
    .map(({ op, path }) => `${op} ${path?.slice(arena.workspace.length + 1)}`);
  expect(made).toEqual([
    "open made",
    "mkdir d",
    "rename made",
    "symlink l",
    "chmod d/moved",
    "open d/moved",
    "utimens d/moved",
    "unlink l",
  ]);
});

test("refusals are the broker's: recorded, with its rule, and with its errno for the program", async () => {
  using arena = new Arena();
  arena.putRepository("workspace");
  const before = fingerprint(arena.outside);
  const { stdout, records } = await run(arena, [
    "python3",
    "-c",
    `
import os
for name, act in {
    "outside": lambda: open("${arena.outside}/file", "a"),
    "hook": lambda: open(".git/hooks/pre-commit", "w"),
    "setuid": lambda: os.chmod("own", 0o4755),
    "remove": lambda: os.unlink("${arena.outside}/victim"),
    "missing": lambda: os.rename("nothing", "else"),
    "exists": lambda: os.mkdir(".git"),
    "again": lambda: os.open("own", os.O_CREAT | os.O_EXCL | os.O_WRONLY),
}.items():
    open("own", "w").close()
    try:
        act()
        print(name, "done")
    except OSError as error:
        print(name, error.errno)
`,
  ]);
  expect(stdout.trimEnd().split("\n")).toEqual([
    "outside 13",
    "hook 13",
    "setuid 1",
    "remove 13",
    "missing 2",
    "exists 17",
    "again 17",
  ]);
  expect(fingerprint(arena.outside)).toBe(before);
  expect(records.filter(({ kind }) => kind === "deny").map(({ rule }) => rule)).toEqual([
    "default-deny",
    "protected.git-hooks",
    "protected.setuid",
    "default-deny",
  ]);
});

test.each([
  [
    "git",
    "git init -q g; cd g; echo a > f; git add f; git -c user.name=a -c user.email=a@b commit -qm x; git log --oneline | wc -l",
    "1\n",
  ],
  ["gcc", 'printf "int main(void) { return 0; }" > c.c; gcc c.c -o c; ./c && echo ran', "ran\n"],
  ["tar", "mkdir d; echo x > d/f; tar cf a.tar d; rm -r d; tar xf a.tar; cat d/f", "x\n"],
  [
    "python and its children, which close what they do not know",
    `python3 -c 'import subprocess, tempfile
with tempfile.TemporaryDirectory() as place:
    print(subprocess.run(["sh", "-c", "echo y > viasub; cat viasub; rm viasub"], capture_output=True, cwd=place).stdout)'`,
    "b'y\\n'\n",
  ],
  [
    "a shell that uses descriptor 3 itself",
    "exec 3> three; echo hi >&3; exec 3>&-; sh -c 'echo ho >> three'; cat three",
    "hi\nho\n",
  ],
  ["temporary files", 'f=$(mktemp); echo x > "$f"; cat "$f"; rm "$f"', "x\n"],
] as const)("%s", async (_name, script, must) => {
  using arena = new Arena();
  const { exitCode, stdout, stderr, report } = await shell(arena, script);
  expect(`${stdout}${exitCode === 0 ? "" : stderr}`).toBe(must);
  expect(report?.denials).toBe(0);
});

test("node", async () => {
  using arena = new Arena();
  const script = `
import fs from "node:fs";
import { execFileSync } from "node:child_process";
fs.mkdirSync("a/b", { recursive: true });
fs.writeFileSync("a/b/f", "x");
fs.cpSync("a", "c", { recursive: true });
await fs.promises.rename("c/b/f", "c/g");
await fs.promises.utimes("c/g", 1, 2);
execFileSync("sh", ["-c", "echo y >> c/g"]);
console.log(fs.readFileSync("c/g", "utf8"), fs.mkdtempSync("t").length);
for (const name of fs.readdirSync(".")) fs.rmSync(name, { recursive: true });
try {
  fs.writeFileSync("${arena.outside}/file", "x");
} catch (error) {
  console.log(error.code);
}
`;
  const agent = arena.put("home/agent.mjs", script);
  const flags = ["--preload", "--read", dirname(process.execPath), "--read", agent];
  const { stdout, stderr } = await run(arena, [process.execPath, agent], flags);
  expect(stdout, stderr).toBe("xy\n 7\nEACCES\n");
  expect(readdirSync(arena.workspace)).toEqual([]);
});

test("many processes at once share the inherited channel", async () => {
  using arena = new Arena();
  const script =
    "for i in $(seq 40); do (echo $i > f$i; mv f$i g$i; cat g$i > /dev/null) & done; wait; cat g* | sort -n | tail -1; ls | wc -l";
  const { exitCode, stdout, stderr } = await shell(arena, script);
  expect(`${stdout}${exitCode === 0 ? "" : stderr}`).toBe("40\n40\n");
});

test("it is no boundary: without it nothing more is to be had", async () => {
  using arena = new Arena();
  const { stdout } = await shell(arena, "unset LD_PRELOAD; sh -c 'echo x > made' || echo refused");
  expect(stdout).toBe("refused\n");
  expect(existsSync(join(arena.workspace, "made"))).toBe(false);
});

test("where calls are trapped it does nothing", async () => {
  using arena = new Arena();
  const { exitCode, records, report } = await confined(arena, ["bash", "-c", "echo x > made"], {
    flags: ["--preload"],
  });
  expect(exitCode).toBe(0);
  expect(report?.mediation).not.toBe("kernel");
  expect(readFileSync(join(arena.workspace, "made"), "utf8")).toBe("x\n");
  const opened = records.filter(
    ({ kind, path }) => kind === "intent" && path === join(arena.workspace, "made"),
  );
  expect(opened.length).toBe(1);
});
