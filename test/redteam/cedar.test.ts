import { createHash } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { loadProfile } from "../../src/broker/profiles.ts";
import { binding } from "../../src/platform/binding.ts";
import { parseNetworkGrant } from "../../src/policy/network.ts";
import { mintToken } from "../../src/tokens/mint.ts";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { skipFor } from "../support/needs.ts";
import { path } from "../support/sessions.ts";
import { startWith, until } from "../support/token_run.ts";
import { HOST, issuer, order } from "../support/tokens.ts";

/** A profile with its Cedar policies beside it. */
function profile(arena: Arena, cedar: string, network = ""): string {
  arena.put("policy/it.cedar", cedar);
  return arena.put(
    "policy/it.yaml",
    `name: it\nversion: 1\ndescription: It\nextends: [":workspace"]\ncedar: it.cedar\n${network}`,
  );
}

const TALK =
  "import socket,sys\nfor a in sys.argv[2:]:\n try:\n  s=socket.create_connection((a,int(sys.argv[1])),5); print(a, s.recv(2).decode() or 'cut')\n except OSError as e: print(a, 'refused')\n";

async function served<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use((server.address() as { port: number }).port);
  } finally {
    server.close();
  }
}

const FORBID = (port: number): string =>
  `@id("not-there") forbid(principal, action == Action::"connect", resource)\nwhen { resource.name == "127.0.0.1" && resource.port == ${port} };\n`;

describe("a host that a Cedar policy forbids", () => {
  const connect = async (port: number, cedar: string) => {
    using arena = new Arena();
    const network = `network: { allow: ["127.0.0.1:${port}", "localhost:${port}", "[::ffff:127.0.0.1]:${port}"] }\n`;
    const hosts = ["127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1"];
    const command = ["python3", "-c", TALK, String(port), ...hosts];
    return await confined(arena, command, { profile: profile(arena, cedar, network) });
  };

  it("is not reached under any spelling of its address, and once decided it stays so", async () => {
    await served(async (port) => {
      const control = await connect(port, FORBID(port + 1));
      expect(control.stdout, control.stderr).toContain("127.0.0.1 ok");
      const run = await connect(port, FORBID(port));
      expect(run.stdout, run.stderr).not.toContain("ok");
      const denied = run.report!.denied.filter(({ rule }) => rule === "policy.not-there");
      expect(denied.length).toBeGreaterThan(0);
      expect(denied[0]).toMatchObject({ op: "connect", path: `127.0.0.1:${port}`, layer: "policy" });
      expect(denied[0]!.reason).toMatch(/policy "not-there" forbids it \(.*\/it\.cedar:1\)/);
      const decisions = run.records.filter(({ extra }) => extra?.["cedar"] === "connect");
      expect(decisions.map(({ extra }) => extra!["verdict"])).toEqual(["deny"]);
      expect(run.records.some(({ kind, op }) => kind === "intent" && op === "connect")).toBe(false);
    });
  });

  it("is refused by why in the same words", async () => {
    using arena = new Arena();
    const file = profile(arena, FORBID(4711), 'network: { allow: ["127.0.0.1:4711"] }\n');
    const ask = (host: string) =>
      sallyport(arena, ["why", "-p", file, "--op", "connect", "--host", host, "--port", "4711", "--json"]);
    for (const host of ["127.0.0.1", "::ffff:127.0.0.1"]) {
      const why = await ask(host);
      expect(JSON.parse(why.stdout), why.stderr).toMatchObject({
        verdict: "deny",
        rule: "policy.not-there",
        place: expect.stringMatching(/it\.cedar:1$/),
      });
    }
  });
});

it("a sub-agent with a network of its own is under the Cedar policies of its run", async () => {
  await served(async (port) => {
    const tried = async (forbidden: number): Promise<string> => {
      using arena = new Arena();
      copyFileSync(new URL("../support/agent.py", import.meta.url), arena.put("workspace/mine/agent.py", ""));
      const now = Date.now();
      const tree = `${arena.workspace}/mine/**`;
      const host = parseNetworkGrant(`127.0.0.1:${port}`)!;
      const { capability } = order({
        ...{ id: "sub", subject: "agent", run: null, delegationDepth: 0, budget: {} },
        ...{ issuedMs: now, notBeforeMs: now - 1000, expiresMs: now + 240_000 },
        grants: [
          path("read", tree),
          path("list", tree),
          { action: "connect", target: { kind: "host", host } },
        ],
      });
      const token = mintToken("json", { capability, audience: HOST, holder: null }, issuer);
      const head =
        'import sys; sys.path.insert(0, "mine"); sys.dont_write_bytecode = True\nfrom agent import *\n';
      arena.put(
        "workspace/mine/child.py",
        `import socket\ntry:\n s = socket.create_connection(("127.0.0.1", ${port}), 5)\n print(s.recv(2).decode() or "cut", flush=True)\nexcept OSError as e:\n print("refused", flush=True)\nprint("end", flush=True)\n`,
      );
      arena.put(
        "workspace/mine/parent.py",
        `${head}import time\nbroker = Broker()\nbroker.launch(broker.present(${JSON.stringify(token)}), ["/usr/bin/python3", "mine/child.py"])\ntime.sleep(60)\n`,
      );
      const file = profile(arena, FORBID(forbidden));
      const started = await startWith(arena, ["/usr/bin/python3", "mine/parent.py"], {
        profile: loadProfile(file),
        netAllow: [`127.0.0.1:${port}`],
      });
      await until("the child has said all", () => started.said().includes("end\n"));
      started.run.signal("SIGKILL");
      const { stdout, denied } = await started.finished();
      return `${stdout.split("\n")[0]} ${denied.map(({ denial }) => denial.rule).join()}`;
    };
    expect(await tried(port + 1)).toBe("ok ");
    expect(await tried(port)).toMatch(/^(?:cut|refused) policy\.not-there$/);
  });
}, 60_000);

it("a permit of Cedar grants no host and no program that the profile does not", async () => {
  using arena = new Arena();
  arena.put(
    "workspace/.sallyport/policy.cedar",
    '@id("all") permit(principal, action == Action::"connect", resource);\n',
  );
  const run = await confined(arena, ["python3", "-c", TALK, "9", "127.0.0.1"]);
  expect(run.stdout, run.stderr).toContain("refused");
  expect(run.stderr).toContain("net off");
});

it("a run does not write the policies of its own profile", async () => {
  using arena = new Arena();
  const file = profile(arena, '@id("a") forbid(principal, action == Action::"connect", resource);\n');
  const cedar = file.replace(/yaml$/, "cedar");
  const run = await confined(arena, ["bash", "-c", `! echo >> ${cedar} && ! rm ${cedar}`], {
    profile: file,
    flags: ["--write", file.replace(/\/it\.yaml$/, "")],
  });
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.report!.denied.map(({ rule }) => rule)).toContain("protected.profile");
});

it.each([
  ["is not there", (arena: Arena) => profile(arena, "").replace("it.yaml", "other.yaml"), /can not be read/],
  ["is no policy", (arena: Arena) => profile(arena, "permit everything"), /Cannot use the Cedar policies/],
  [
    "has a condition on reads",
    (arena: Arena) =>
      profile(
        arena,
        'permit(principal, action == Action::"read", resource in Dir::"/srv") when { context.uid == 0 };',
      ),
    /no operation on a file waits for Cedar/,
  ],
])("a profile whose Cedar file %s starts nothing", async (_, make, problem) => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { profile: make(arena) });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toMatch(problem);
});

describe("a program that a Cedar policy forbids", () => {
  beforeEach((context) => {
    const probe = binding.probe().find(({ name }) => name === "execution-watch");
    if (probe?.outcome !== "works")
      context.skip("skipped: needs fanotify and root, this machine has neither");
  });

  it("is not executed by its content, under whatever name", async () => {
    using arena = new Arena();
    const sha256 = createHash("sha256").update(readFileSync("/usr/bin/id")).digest("hex");
    copyFileSync("/usr/bin/id", arena.put("workspace/other", "", 0o755));
    copyFileSync("/usr/bin/true", arena.put("workspace/good", "", 0o755));
    const file = profile(
      arena,
      `@id("no-id") forbid(principal, action == Action::"execute", resource)\nwhen { resource has sha256 && resource.sha256 == "${sha256}" };\n`,
    );
    const script = "./good && echo good; /usr/bin/id; ./other; ln other third; ./third; exec ./other";
    const run = await confined(arena, ["bash", "-c", script], { profile: file });
    expect(run.stdout, run.stderr).toBe("good\n");
    const denied = run.report!.denied.filter(({ rule }) => rule === "policy.no-id");
    expect(denied.map(({ path }) => path).toSorted()).toEqual(
      ["/usr/bin/id", `${arena.workspace}/other`, `${arena.workspace}/third`].toSorted(),
    );
    const first = await confined(arena, ["/usr/bin/id"], { profile: file });
    expect(first.exitCode).toBe(126);
    expect(first.stderr).toMatch(/Cannot run "\/usr\/bin\/id": Cedar policy "no-id" forbids it/);
  });

  it("makes why, which names the policy, and the watch, which is required then", async () => {
    using arena = new Arena();
    const file = profile(
      arena,
      '@id("tools") permit(principal, action == Action::"execute", resource) when { resource in Dir::"/usr/lib" || resource == Program::"/usr/bin/bash" };\n',
    );
    const run = await confined(arena, ["bash", "-c", "/usr/bin/id || echo not"], { profile: file });
    expect(run.stdout, run.stderr).toBe("not\n");
    const why = await sallyport(arena, ["why", "-p", file, "--op", "exec", "--path", "/usr/bin/id"]);
    expect(why.stdout).toMatch(/no Cedar policy that permits to execute holds for it \(.*it\.cedar:1\)/);
    expect(
      (await sallyport(arena, ["why", "-p", file, "--op", "exec", "--path", "/usr/bin/bash"])).exitCode,
    ).toBe(0);
  });
});

it("where nobody sees executions a condition on them starts no run", async (context) => {
  skipFor(unprivilegedObstacle(), context);
  using arena = new Arena(NOBODY);
  const file = profile(
    arena,
    'forbid(principal, action == Action::"execute", resource) when { context.minuteOfDay > 1080 };\n',
  );
  const run = await confined(arena, ["true"], { profile: file });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toMatch(/which execution\.watch or a Cedar policy on execute requires/);
});
