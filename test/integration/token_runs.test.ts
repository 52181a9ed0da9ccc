import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { recordsOf } from "../support/confined.ts";
import { path } from "../support/sessions.ts";
import { good, revokeIn, startWith, until } from "../support/token_run.ts";

function arenaWith(): Arena {
  const arena = new Arena();
  arena.put("workspace/a.md", "open\n");
  arena.put("workspace/b.txt", "closed\n");
  arena.put("workspace/.env", "SECRET=1\n");
  copyFileSync(new URL("../support/agent.py", import.meta.url), join(arena.workspace, "agent.py"));
  return arena;
}

/** A program that opens a.md again and again, and says when that ends, and why. */
const LOOP = `
import time, errno
while True:
    try:
        open("a.md").close()
    except OSError as error:
        print("ended", time.time() * 1000, errno.errorcode[error.errno], flush=True)
        break
`;

test("a run with a token has the floor and what the token grants, out of what the profile grants", async () => {
  using arena = arenaWith();
  const w = arena.workspace;
  const grants = [
    path("read", `${w}/*.md`),
    path("read", `${w}/.env`),
    path("read", `${arena.outside}/**`),
    path("write", `${w}/out/**`),
  ];
  arena.put("workspace/out/old", "old\n");
  const script = [
    "cat a.md",
    "cat b.txt; cat .env; cat ../outside/file; ls",
    "echo new > out/new; echo x > other; rm out/old",
    "echo t > $TMPDIR/t && cat $TMPDIR/t",
  ].join("\n");
  const started = await startWith(arena, ["bash", "-c", script], { capabilities: [good("c-1", { grants })] });
  const end = await started.finished();
  expect(end.stdout).toBe("open\nt\n");
  expect(end).toMatchObject({
    reads: "brokered",
    readsBecause: "a token ends",
    access: "workspace by token",
  });
  expect(end.tokens).toMatch(/^c-1 until 20/);
  const rules = Object.fromEntries(
    end.denied.map(({ denial }) => [denial.path.replace(arena.root, ""), denial.rule]),
  );
  expect(rules).toEqual({
    "/workspace/b.txt": "capability.not-granted",
    "/workspace/.env": "secrets.files",
    "/outside/file": "default-deny",
    "/workspace": "capability.not-granted",
    "/workspace/other": "capability.not-granted",
    "/workspace/out/old": "capability.not-granted",
  });
  const records = (await recordsOf(arena, end.run)) as unknown as Record<string, string>[];
  expect(records[0]).toMatchObject({ kind: "run.start", extra: { capability: end.tokens } });
  const about = records.filter(({ path: of }) => of?.startsWith(w));
  expect(about.length).toBeGreaterThan(6);
  // A denial by the profile rests on no capability.
  const resting = about.filter(({ rule }) => rule !== "secrets.files" && rule !== "look.everywhere");
  expect(new Set(resting.map(({ capability }) => capability))).toEqual(new Set(["c-1"]));
  const written = records.find(({ kind, path: of }) => kind === "intent" && of === `${w}/out/new`);
  const outcome = records.find(({ intent }) => intent === written?.["seq"]);
  expect(outcome).toMatchObject({ kind: "outcome", capability: "c-1" });
});

test("when it expires during the run, operations are refused from then on, and say how to go on", async () => {
  using arena = arenaWith();
  const expiresMs = Date.now() + 1500;
  const started = await startWith(arena, ["/usr/bin/python3", "-c", LOOP], {
    capabilities: [good("short", { grants: [path("read", `${arena.workspace}/**`)], expiresMs })],
  });
  const end = await started.finished();
  const [, at = "", errno] = end.stdout.trim().split(" ");
  expect(errno).toBe("EACCES");
  expect(Number(at)).toBeGreaterThanOrEqual(expiresMs);
  expect(Number(at) - expiresMs).toBeLessThan(1000);
  expect(end.denied.map(({ denial }) => denial)).toMatchObject([
    { rule: "capability.expired", nextSteps: [expect.stringContaining("sallyport token mint")] },
  ]);
});

test("a revocation is seen by the next operation of a program that is at work", async () => {
  using arena = arenaWith();
  const started = await startWith(arena, ["/usr/bin/python3", "-c", `print("up", flush=True)${LOOP}`], {
    capabilities: [good("c-1", { grants: [path("read", `${arena.workspace}/**`)] })],
  });
  await until("it works", () => started.said().startsWith("up"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await revokeIn(arena, "id", "c-1");
  const revokedMs = Date.now();
  const end = await started.finished();
  const [, at = ""] = (end.stdout.trim().split("\n").at(-1) ?? "").split(" ");
  expect(Number(at) - revokedMs).toBeLessThan(500);
  expect(end.denied.map(({ denial }) => denial)).toMatchObject([
    { rule: "capability.revoked", reason: expect.stringContaining("the test says so") },
  ]);
  expect(end.exitCode).toBe(0);
});

for (const by of ["id", "subject", "issuer", "epoch"] as const) {
  test(`what was derived falls with what it was derived from: by ${by}`, async () => {
    using arena = arenaWith();
    const grants = [path("read", `${arena.workspace}/**`)];
    const [root] = good("root", { grants });
    const [leaf] = good("leaf", { grants, issuer: "the office", subject: "agent/sub" });
    const value = { id: "root", subject: "agent", issuer: root.issuer, epoch: "" }[by];
    const started = await startWith(arena, ["/usr/bin/python3", "-c", `print("up", flush=True)${LOOP}`], {
      capabilities: [[root, leaf]],
    });
    await until("it works", () => started.said().startsWith("up"));
    await revokeIn(arena, by, value);
    const end = await started.finished();
    expect(end.denied.map(({ denial }) => denial.rule)).toEqual(["capability.revoked"]);
  });
}

test("on_revoke: kill ends the run, with what it holds open", async () => {
  using arena = arenaWith();
  const started = await startWith(
    arena,
    ["/usr/bin/python3", "-c", "f=open('a.md')\nprint('up', flush=True)\nimport time\ntime.sleep(60)"],
    {
      capabilities: [good("c-1", { grants: [path("read", `${arena.workspace}/**`)], onRevoke: "kill" })],
    },
  );
  await until("it works", () => started.said().startsWith("up"));
  await revokeIn(arena, "id", "c-1");
  const end = await started.finished();
  expect(end.outcome).toMatch(/^ended by revocation: capability c-1 was revoked/);
});

test("on_revoke: freeze stops every process within 50 ms", async () => {
  using arena = arenaWith();
  const started = await startWith(
    arena,
    ["/usr/bin/python3", "-c", "import time\nwhile True: print(time.time() * 1000, flush=True)"],
    { capabilities: [good("c-1", { grants: [path("read", `${arena.workspace}/**`)], onRevoke: "freeze" })] },
  );
  await until("it works", () => started.said().length > 100);
  await revokeIn(arena, "id", "c-1");
  const revokedMs = Date.now();
  await until("it is frozen", () => started.run.containment.state === "frozen");
  await new Promise((resolve) => setTimeout(resolve, 200));
  const said = started.said();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(started.said()).toBe(said);
  const last = Number(said.trim().split("\n").at(-2));
  expect(last - revokedMs).toBeLessThan(50);
  started.run.containment.kill({ by: "person", reason: "the test is over" });
  await started.finished();
});

test("what can not be kept is no start", async () => {
  using arena = arenaWith();
  const start = (change: Parameters<typeof good>[1], options = {}) =>
    startWith(arena, ["true"], { capabilities: [good("c-1", change)], ...options });
  await expect(start({ expiresMs: Date.now() - 1 })).rejects.toThrow('capability "c-1" has expired');
  await expect(start({ notBeforeMs: Date.now() + 60_000 })).rejects.toThrow("is not good before");
  await expect(start({ run: "r-2" })).rejects.toThrow("is for run r-2");
  await expect(start({}, { readsHow: "native" })).rejects.toThrow("--reads native");
  await expect(start({ grants: [path("exec", "/usr/bin/*")] })).rejects.toThrow(
    "bounds execution by file or tree",
  );
});

test("programs of the workspace run where the token grants exec, and nowhere else", async () => {
  using arena = arenaWith();
  const w = arena.workspace;
  copyFileSync("/bin/true", join(w, "granted"));
  copyFileSync("/bin/true", join(w, "not-granted"));
  const started = await startWith(
    arena,
    ["bash", "-c", "./granted && echo ran; ./not-granted || echo refused"],
    { capabilities: [good("c-1", { grants: [path("exec", `${w}/granted`)] })] },
  );
  expect((await started.finished()).stdout).toBe("ran\nrefused\n");
});

test("what a file may be is kept: by the kernel while it is written, at a commit, and at the end of the run", async () => {
  using arena = arenaWith();
  const w = arena.workspace;
  arena.put("workspace/note.txt", "plain text\n");
  arena.put("workspace/old.md", "as it was\n");
  const script = `
python3=/usr/bin/python3
$python3 - <<'END'
import errno, os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def attempt(what):
    try:
        what()
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]
def grow():
    fd = os.open("big.md", os.O_WRONLY | os.O_CREAT)
    os.write(fd, b"x" * 1000)
    os.write(fd, b"x")
print("grow", attempt(grow))
print("truncate", attempt(lambda: os.truncate("old.md", 2000)))
print("small", attempt(lambda: open("small.md", "w").write("x" * 10)))
print("type", attempt(lambda: open("old.md", "w").write("\\x7fELF" + "x" * 100)))
print("reads", attempt(lambda: open("note.txt")), attempt(lambda: open("fake.txt")))
END
`;
  arena.put("workspace/fake.txt", Buffer.from("7f454c4602010100", "hex"));
  const grants = [
    path("write", `${w}/*.md`, { maxSizeBytes: 1000, mimeTypes: ["text/plain"] }),
    path("read", `${w}/*.txt`, { mimeTypes: ["text/*"] }),
  ];
  const started = await startWith(arena, ["bash", "-c", script], { capabilities: [good("c-1", { grants })] });
  const end = await started.finished();
  expect(end.stdout.trim().split("\n")).toEqual([
    "grow EFBIG",
    "truncate EFBIG",
    "small ok",
    "type ok",
    "reads ok EACCES",
  ]);
  expect(readFileSync(join(w, "small.md"), "utf8")).toBe("x".repeat(10));
  // It was written, and put back when nobody could write to it any more.
  expect(readFileSync(join(w, "old.md"), "utf8")).toBe("as it was\n");
  const ofFiles = end.denied.filter(({ denial }) => denial.rule.startsWith("files."));
  expect(ofFiles.map(({ denial }) => [denial.rule, denial.path.slice(w.length)])).toEqual([
    ["files.max-bytes", "/old.md"],
    ["files.mime-type", "/fake.txt"],
    ["files.mime-type", "/old.md"],
  ]);
});

test("a budget is taken from the token and from those that it was derived from, and never refills", async () => {
  using arena = arenaWith();
  const w = arena.workspace;
  const grants = [path("read", `${w}/*.md`), path("write", `${w}/out/**`), path("delete", `${w}/out/**`)];
  arena.put("workspace/out/keep", "");
  const [root] = good("root", { grants, budget: { maxFiles: 3 } });
  const [leaf] = good("leaf", { grants, budget: { maxFiles: 2, maxDeletes: 1 } });
  const [other] = good("other", { grants, budget: { maxFiles: 2 } });
  const script =
    "for i in 1 2 3 4; do echo $i > out/$i && echo made $i; done; rm out/1 && echo gone; rm out/2 || echo kept; cat a.md";
  const run = async (...capabilities: (readonly [typeof root, ...(typeof root)[]])[]) =>
    (await startWith(arena, ["bash", "-c", script], { capabilities })).finished();
  const one = await run([root, leaf]);
  expect(one.stdout).toBe("made 1\nmade 2\ngone\nkept\nopen\n");
  expect(one.denied.map(({ denial, count }) => [denial.rule, denial.op, count])).toEqual([
    ["limit.quota", "open", 1],
    ["limit.quota", "open", 1],
    ["limit.quota", "unlink", 1],
  ]);
  expect(one.denied[0]?.denial.reason).toContain("capability leaf.files");
  // What one child has used the other has not, and both together have no more than their parent.
  const two = await run([root, leaf], [root, other]);
  expect(two.stdout.split("\n").filter((line) => line.startsWith("made"))).toHaveLength(2);
});

test("max_uses counts every operation that rests on the token", async () => {
  using arena = arenaWith();
  const [root] = good("root", { grants: [path("read", `${arena.workspace}/*.md`)], budget: { maxUses: 3 } });
  const started = await startWith(arena, ["bash", "-c", "for i in 1 2 3 4 5; do cat a.md; done"], {
    capabilities: [[root]],
  });
  const end = await started.finished();
  expect(end.stdout).toBe("open\nopen\nopen\n");
  expect(end.denied).toMatchObject([{ denial: { rule: "limit.quota" }, count: 2 }]);
});
