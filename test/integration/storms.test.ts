/** Whole programs that change very much at once, which no breaker may mind, and those that it is there for. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { LiveRun, until } from "../support/live_run.ts";

const PYTHON = "/usr/bin/python3";

/** `count` files of text below `directory`, in folders of a hundred. */
function fill(directory: string, count: number, extension = "txt"): void {
  for (let at = 0; at < count; at++) {
    const path = join(directory, `d${Math.floor(at / 100)}`, `f${at}.${extension}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `line ${at} of some text, as people write it\n`.repeat(40));
  }
}

function git(cwd: string, ...args: string[]): void {
  const identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "gc.auto=0"];
  execFileSync("git", [...identity, ...args], { cwd, stdio: "ignore" });
}

const BENIGN: readonly {
  readonly name: string;
  readonly prepare: (work: string) => void;
  readonly script: string;
}[] = [
  {
    name: "rm -rf node_modules with 6000 files",
    prepare: (work) => fill(join(work, "node_modules", "package"), 6000, "js"),
    script: "rm -rf node_modules && ! test -e node_modules",
  },
  {
    name: "git checkout that takes 5000 files away and puts them back",
    prepare: (work) => {
      git(work, "init", "-q");
      git(work, "commit", "-q", "--allow-empty", "-m", "empty");
      git(work, "branch", "empty");
      fill(join(work, "src"), 5000);
      git(work, "add", ".");
      git(work, "commit", "-qm", "one");
    },
    script: "git checkout -q empty && git checkout -q -",
  },
  {
    name: "make clean of 3000 objects, and make again",
    prepare: (work) => {
      fill(work, 3000, "o");
      writeFileSync(
        join(work, "Makefile"),
        "all:\n\tfor d in d*; do for i in 1 2 3 4 5; do echo $$d$$i > $$d/$$i.o; done; done\nclean:\n\tfind . -name '*.o' -delete\n",
      );
    },
    script: "make -s clean && make -s all",
  },
  {
    name: "tar -x of compressed archives over what is there",
    prepare: (work) => {
      mkdirSync(join(work, "pictures"));
      for (let at = 0; at < 1500; at++) {
        const body =
          at % 2 === 0 ? Buffer.from([0x1f, 0x8b, 8, 0]) : Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
        writeFileSync(join(work, "pictures", `p${at}`), Buffer.concat([body, randomBytes(8000)]));
      }
      execFileSync("tar", ["-czf", "all.tar.gz", "pictures"], { cwd: work });
    },
    script: "tar -xzf all.tar.gz && mkdir fresh && tar -xzf all.tar.gz -C fresh && gzip -kr fresh",
  },
  {
    name: "compressing 300 files, which takes the originals away",
    prepare: (work) => fill(join(work, "logs"), 300, "log"),
    script: "gzip -r logs",
  },
  {
    name: "sed -i on 800 files",
    prepare: (work) => fill(join(work, "src"), 800),
    script: "find src -type f | xargs sed -i s/people/persons/",
  },
  {
    name: "npm install of a package with 1500 files, and npm uninstall",
    prepare: (work) => {
      mkdirSync(join(work, "many"));
      writeFileSync(join(work, "many", "package.json"), '{"name":"many","version":"1.0.0"}');
      fill(join(work, "many", "lib"), 1500, "js");
      execFileSync("npm", ["pack", "--silent", "./many"], { cwd: work });
      writeFileSync(join(work, "package.json"), '{"name":"work","version":"1.0.0"}');
    },
    script: "npm install --offline --no-audit --no-fund ./many-1.0.0.tgz && npm uninstall --offline many",
  },
];

describe("benign", () => {
  test.each(BENIGN)("$name", { timeout: 180_000 }, async ({ prepare, script }) => {
    using arena = new Arena();
    prepare(arena.workspace);
    await using run = new LiveRun(arena, ["bash", "-ec", script]);
    expect(await run.ended, `${run.stderr}${run.stdout}`).toBe(0);
    expect(run.events().filter(({ event }) => event !== undefined)).toEqual([]);
  });
});

const WALK = `import os,sys
files = [os.path.join(d, f) for d, _, names in os.walk("docs") for f in names]
`;
const HOSTILE: readonly { readonly name: string; readonly breaker: string; readonly script: string }[] = [
  {
    name: "overwrites files in place with what looks encrypted",
    breaker: "entropy",
    script: `${WALK}
for f in files:
  n = os.path.getsize(f)
  with open(f, "r+b") as o: o.write(os.urandom(n))`,
  },
  {
    name: "does so by truncating them, and renames them to a common name ending",
    breaker: "entropy",
    script: `${WALK}
for f in files:
  n = os.path.getsize(f)
  with open(f, "wb") as o: o.write(os.urandom(n))
  os.rename(f, f + ".locked")`,
  },
  {
    name: "writes encrypted twins and deletes the originals",
    breaker: "entropy",
    script: `${WALK}
for f in files:
  with open(f + ".enc", "wb") as o: o.write(os.urandom(os.path.getsize(f)))
  os.unlink(f)`,
  },
  {
    name: "writes them under random names",
    breaker: "entropy",
    script: `${WALK}
for f in files:
  with open(os.path.join(os.path.dirname(f), os.urandom(8).hex()), "wb") as o: o.write(os.urandom(os.path.getsize(f)))
  os.unlink(f)`,
  },
  {
    name: "puts encrypted files over them by rename",
    breaker: "entropy",
    script: `${WALK}
for f in files:
  with open("twin", "wb") as o: o.write(os.urandom(os.path.getsize(f)))
  os.rename("twin", f)`,
  },
  {
    name: "only puts something behind their names",
    breaker: "entropy",
    script: `${WALK}
for f in files: os.rename(f, f + ".wncry")`,
  },
  {
    name: "deletes files",
    breaker: "deletes",
    script: `${WALK}
for f in files: os.unlink(f)`,
  },
  {
    name: "deletes them by a program of the name git",
    breaker: "deletes",
    script: `import shutil,subprocess
shutil.copy("${PYTHON}", "git")
subprocess.run(["./git", "-c", """${WALK}
for f in files: os.unlink(f)"""])`,
  },
  {
    name: "renames files",
    breaker: "renames",
    script: `${WALK}
for n, f in enumerate(files): os.rename(f, "n%d" % n)`,
  },
  {
    name: "tries what is denied",
    breaker: "denials",
    script: `import os
for n in range(1500):
  try: os.mkdir("/opt/x%d/y" % n)
  except OSError: pass
  try: open("/etc/nothing%d" % n, "w")
  except OSError: pass`,
  },
];

const AND_WAIT = "\nimport time\nprint('did all', flush=True)\ntime.sleep(100)";

describe("hostile", () => {
  test.each(HOSTILE)("a program that $name is stopped", { timeout: 120_000 }, async ({ breaker, script }) => {
    using arena = new Arena();
    fill(join(arena.workspace, "docs"), 1600);
    await using run = new LiveRun(arena, [PYTHON, "-c", script + AND_WAIT]);
    await until(() => run.event("frozen") !== undefined, "the stop", 60_000);
    expect(run.event("frozen")).toMatchObject({ by: "breaker", breaker, moving: 0 });
    await until(() => run.stderr.includes(`sallyport resume ${run.id}`), "the line for the person");
    const note = (await run.records()).find(({ extra }) => extra?.["contained"] === "frozen");
    expect(note).toMatchObject({ kind: "note", extra: { by: "breaker", breaker } });
    await run.say("kill");
    expect(await run.ended).toBe(123);
  });

  test("what was lost before the stop can be put back", async () => {
    using arena = new Arena();
    fill(join(arena.workspace, "docs"), 300);
    await using run = new LiveRun(arena, [PYTHON, "-c", HOSTILE[2]!.script + AND_WAIT]);
    await until(() => run.event("frozen") !== undefined, "the stop", 60_000);
    await run.say("kill");
    await run.ended;
    const undone = await run.undo();
    expect(undone.exitCode, undone.stderr).toBe(0);
    const names = readdirSync(join(arena.workspace, "docs"), { recursive: true }).map(String);
    expect(names.filter((name) => name.endsWith(".enc"))).toEqual([]);
    expect(names.filter((name) => name.endsWith(".txt")).length).toBe(300);
  });
});

test("a run that was resumed bears less for a while, and nothing of it when the breaker is off", async () => {
  using arena = new Arena();
  fill(join(arena.workspace, "docs"), 1600);
  const script = `${WALK}
import time
for n, f in enumerate(files):
  os.unlink(f)
  if n % 100 == 0: time.sleep(0.02)
print("did all", flush=True)`;
  await using run = new LiveRun(arena, [PYTHON, "-c", script]);
  const stops = (): number => run.events().filter(({ event }) => event === "frozen").length;
  await until(() => stops() === 1, "the first stop", 60_000);
  await run.say("resume");
  await until(() => stops() === 2, "the second stop", 60_000);
  expect(run.events().filter(({ event }) => event === "frozen")[1]?.["reason"]).toMatch(/^250 deleted files/);
  await run.say("resume", "--disarm", "deletes");
  expect(await run.ended).toBe(0);
  expect(run.stdout).toContain("did all");
  expect(stops()).toBe(2);
});
