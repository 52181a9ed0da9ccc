import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Capability, Grant } from "../../src/policy/capability/capability.ts";
import { publicHalf } from "../../src/tokens/jwk.ts";
import { mintToken } from "../../src/tokens/mint.ts";
import { Arena } from "../support/arena.ts";
import { path } from "../support/sessions.ts";
import { type Finished, good, revokeIn, startWith, until } from "../support/token_run.ts";
import { holders, issuer, order, presentable } from "../support/tokens.ts";

const PYTHON = "/usr/bin/python3";

function arenaWith(): Arena {
  const arena = new Arena();
  arena.put("workspace/mine/a.md", "of the child\n");
  arena.put("workspace/a.md", "of the parent\n");
  arena.put("workspace/tool.sh", "#!/bin/sh\necho ran\n", 0o755);
  copyFileSync(new URL("../support/agent.py", import.meta.url), join(arena.workspace, "mine/agent.py"));
  return arena;
}

function bearer(id: string, grants: readonly Grant[], change: Partial<Capability> = {}): string {
  return presentable(id, grants, null, change);
}

const mine = (arena: Arena): readonly Grant[] => [
  path("read", `${arena.workspace}/mine/**`),
  path("list", `${arena.workspace}/mine/**`),
];

function start(
  arena: Arena,
  parent: string,
  child: string,
  grants: readonly Grant[],
  own?: Partial<Capability>,
  rest: Partial<Capability> = {},
) {
  const load =
    'import sys; sys.path.insert(0, "mine"); sys.dont_write_bytecode = True\nfrom agent import *\nimport os, time\n';
  arena.put("workspace/mine/child.py", `${load}${child}\nsay("end")\n`);
  arena.put(
    "workspace/mine/parent.py",
    `${load}token = ${JSON.stringify(bearer("sub", grants, rest))}
child = [${JSON.stringify(PYTHON)}, "mine/child.py"]
broker = Broker()
handle = broker.present(token)
${parent}
time.sleep(60)
`,
  );
  const capabilities = own === undefined ? {} : { capabilities: [good("own", own)] };
  return startWith(arena, [PYTHON, "mine/parent.py"], capabilities);
}

const lines = (end: { readonly stdout: string }): string[] => end.stdout.trim().split("\n");

/**
 * Runs a parent, which has presented a token for what lies in mine/ (`handle`), and may launch a `child` with it, until the child has said
 * "end". Both are Python with agent.py.
 */
async function tried(
  arena: Arena,
  parent: string,
  child: string,
): Promise<{ said: string[]; end: Finished }> {
  const started = await start(arena, parent, child, mine(arena));
  await until("the child has said all", () => started.said().includes("end\n"));
  started.run.signal("SIGKILL");
  const end = await started.finished();
  return { said: lines(end), end };
}

test("a child that was launched with a token has what that grants, and the parent what it had", async () => {
  using arena = arenaWith();
  const { said, end } = await tried(
    arena,
    `say("launched", broker.launch(handle, child) > 0)\nsay("parent", attempt(lambda: open("a.md")))`,
    `say("child", attempt(lambda: open("mine/a.md")), attempt(lambda: open("a.md")), attempt(lambda: open("new", "w")))
say("asks", Broker().verdict("open", os.path.abspath("a.md"), 1, 0), Broker().verdict("open", os.path.abspath("mine/a.md"), 1, 0))
say("list", attempt(lambda: os.listdir("mine")), attempt(lambda: os.listdir(".")))
say("runs", attempt(lambda: os.execv("./tool.sh", ["tool.sh"])))`,
  );
  expect(said).toContain("launched True");
  expect(said).toContain("parent ok");
  expect(said).toContain("child ok EACCES EACCES");
  expect(said).toContain("asks capability.not-granted ok");
  expect(said).toContain("list ok EACCES");
  expect(said).toContain("runs EACCES");
  expect(end.denied.every(({ denial }) => denial.rule === "capability.not-granted")).toBe(true);
});

test("the channel of the parent, handed to a child as a stream, gives the child nothing", async () => {
  using arena = arenaWith();
  const { said, end } = await tried(
    arena,
    `broker.launch(handle, child, fds=[broker.socket.fileno(), 1, 2])`,
    `stolen = Broker(os.dup(0))
say("stolen", stolen.verdict("open", os.path.abspath("a.md"), 1, 0))
say("launch", stolen.launch(None, ["/bin/cat", os.path.abspath("a.md")]))
say("handle", *[stolen.launch(n, ["/bin/cat", os.path.abspath("a.md")]) for n in range(3)])
say("present", stolen.present("x"))`,
  );
  expect(said).toContain("stolen session.foreign-channel");
  expect(said).toContain("launch session.foreign-channel");
  expect(said).toContain("handle session.foreign-channel session.foreign-channel session.foreign-channel");
  expect(said).toContain("present session.foreign-channel");
  expect(end.stdout).not.toContain("of the parent");
});

test("a grandchild that has lost its parent still counts for its own launch", async () => {
  using arena = arenaWith();
  const { said } = await tried(
    arena,
    `broker.launch(handle, child, fds=[broker.socket.fileno(), 1, 2])`,
    `ready, write = os.pipe()
if os.fork() == 0:
    if os.fork() != 0: os._exit(0)
    time.sleep(0.2)
    say("orphan", Broker(os.dup(0)).verdict("open", os.path.abspath("a.md"), 1, 0), Broker().verdict("open", os.path.abspath("a.md"), 1, 0))
    os.write(write, b"x")
    os._exit(0)
os.wait(); os.read(ready, 1)`,
  );
  expect(said).toContain("orphan session.foreign-channel capability.not-granted");
});

test("a handle is good in the session that presented it, and nowhere else", async () => {
  using arena = arenaWith();
  const { said } = await tried(
    arena,
    `say("known", broker.launch(handle, child, env=[f"HANDLE={handle}", "PATH=/usr/bin:/bin"]) > 0)`,
    `own = Broker()
handle = int(os.environ["HANDLE"])
say("handles", *{own.launch(n, ["/bin/true"]) for n in [handle, 0, 1, 2, handle + 1, handle + 2**20]})`,
  );
  expect(said).toContain("known True");
  expect(said).toContain("handles session.handle");
});

test("what is presented must be within what the session has, whoever has signed it", async () => {
  using arena = arenaWith();
  const wide = bearer("wide", [path("read", `${arena.workspace}/**`)]);
  const { said } = await tried(
    arena,
    `broker.launch(handle, child)`,
    `own = Broker()
say("wide", own.present(${JSON.stringify(wide)}))`,
  );
  expect(said).toContain("wide token.wider");
});

test("a token that is forged, expired or for another run is refused, and a proof is for one process and one time", async () => {
  using arena = arenaWith();
  const held = mintToken(
    "aat-01",
    {
      ...order({
        id: "held",
        run: null,
        grants: mine(arena),
        issuedMs: Date.now(),
        notBeforeMs: 0,
        expiresMs: Date.now() + 60_000,
      }),
      holder: publicHalf(holders[0]),
    },
    issuer,
  );
  const forged = held.replace(/\.[^.]{10}/, ".AAAAAAAAAA");
  const { said } = await tried(
    arena,
    `say("refused", broker.present(${JSON.stringify(forged)}), broker.present(${JSON.stringify(bearer("x", mine(arena), { run: "r-9" }))}), broker.present(${JSON.stringify(held)}), broker.present("x.y.z"))
broker.launch(handle, child)`,
    ``,
  );
  expect(said.find((line) => line.startsWith("refused"))).toMatch(
    /^refused token\.[a-z0-9-]+ token\.wrong-run token\.proof-missing token\.[a-z0-9-]+$/,
  );
});

test("the child has a TMPDIR of its own, and reaches neither that of the parent nor the parent", async () => {
  using arena = arenaWith();
  const { said } = await tried(
    arena,
    `open(os.path.join(os.environ["TMPDIR"], "kept"), "w").write("of the parent")
broker.launch(handle, child, env=[f"PARENT={os.getpid()}", f"OUTER={os.environ['TMPDIR']}/kept", f"TMPDIR={os.environ['TMPDIR']}", "PATH=/usr/bin:/bin"])`,
    `own = os.environ["TMPDIR"]
outer = os.path.dirname(own) + "/kept"
say("tmp", attempt(lambda: open(own + "/x", "w")), attempt(lambda: open(outer)), attempt(lambda: os.listdir(os.path.dirname(own))))
say("signal", attempt(lambda: os.kill(int(os.environ["PARENT"]), 0)), Broker().verdict("kill", int(os.environ["PARENT"]), 9))
say("proc", attempt(lambda: open(f"/proc/{os.environ['PARENT']}/environ")))`,
  );
  expect(said).toContain("tmp ok EACCES EACCES");
  expect(said).toContain("signal EPERM process.others");
  expect(said).toContain("proc EACCES");
});

test("a parent with a token of its own gives no more than it has, and its end is the child's", async () => {
  using arena = arenaWith();
  const grants = [path("read", `${arena.workspace}/mine/*.py`), path("list", `${arena.workspace}/mine/**`)];
  const started = await start(
    arena,
    `broker.launch(handle, child)`,
    `say("child", attempt(lambda: open("mine/child.py")), attempt(lambda: open("mine/a.md")))
while attempt(lambda: open("mine/child.py")) == "ok": pass
say("after", Broker().verdict("open", os.path.abspath("mine/child.py"), 1, 0))`,
    grants,
    { grants: [path("read", `${arena.workspace}/mine/**`), path("list", `${arena.workspace}/mine/**`)] },
  );
  await until("the child is there", () => started.said().includes("child"));
  await revokeIn(arena, "id", "own");
  await until("the child has seen it", () => started.said().includes("end\n"));
  started.run.signal("SIGKILL");
  const said = lines(await started.finished());
  expect(said).toContain("child ok EACCES");
  expect(said).toContain("after capability.revoked");
});

test("a revocation of the child's token with on_revoke: kill ends the child and leaves the parent at work", async () => {
  using arena = arenaWith();
  const started = await start(
    arena,
    `broker.launch(handle, child)
while not os.path.exists("mine/go"): time.sleep(0.02)
say("parent", attempt(lambda: open("a.md")), broker.launch(handle, child))
say("end")`,
    `say("up"); time.sleep(60)`,
    mine(arena),
    undefined,
    { onRevoke: "kill" },
  );
  await until("the child is there", () => started.said().includes("up"));
  await revokeIn(arena, "id", "sub");
  await new Promise((resolve) => setTimeout(resolve, 300));
  arena.put("workspace/mine/go", "");
  await until("the parent has said so", () => started.said().includes("end\n"));
  started.run.signal("SIGKILL");
  const end = await started.finished();
  expect(lines(end)).toContain("parent ok capability.revoked");
  expect(end.outcome).not.toContain("revocation");
});
