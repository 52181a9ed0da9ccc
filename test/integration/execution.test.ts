import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { Tools } from "../support/told_apart.ts";

const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const executing = (id: string, effect: "allow" | "deny", paths: readonly string[], more = {}): object => ({
  id,
  effect,
  rights: ["execute"],
  paths,
  reason: `Reason of ${id}`,
  ...more,
});
const LISTED = { programs: "listed" };
const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).href;

beforeEach((context) => {
  const obstacle = unprivilegedObstacle();
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

describe.each([
  ["root", process.geteuid!()],
  ["a user without privileges", NOBODY],
])("%s", (_who, owner) => {
  test("a program that is pinned by its digest runs, beside every granted tree too, until it changes", async () => {
    using arena = new Arena(owner);
    const tools = new Tools(arena);
    const pinned = tools.put("pinned");
    const rules = [executing("own.pinned", "allow", [pinned], { sha256: [digestOf(pinned)] })];
    const profile = tools.profile({ native: {}, execution: LISTED, rules });
    const run = await confined(arena, [pinned, "payload"], { profile });
    expect(run.exitCode, run.stderr).toBe(42);
    expect(run.stderr).toContain(" · execution 2 programs, listed · ");
    appendFileSync(pinned, "x");
    const changed = await confined(arena, [pinned, "payload"], { profile });
    expect(changed.exitCode).toBe(126);
    expect(changed.stderr).toContain("(rule execution.listed)");
  });

  test("by its owner, and deny wins over what allows it", async () => {
    using arena = new Arena(owner);
    const rules = [
      executing("own.root", "allow", ["/usr/bin/*"], { owner: ["root"] }),
      executing("own.env", "deny", ["/usr/bin/env"]),
      executing("own.true", "deny", ["/**"], { sha256: [digestOf("/usr/bin/true")] }),
    ];
    const profile = new Tools(arena).profile({ execution: LISTED, rules });
    const script = "/usr/bin/id >/dev/null; echo $?; /usr/bin/env; echo $?; true; /usr/bin/true; echo $?";
    const run = await confined(arena, ["dash", "-c", script], { profile });
    expect(run.stdout, run.stderr).toBe("0\n126\n126\n");
  });

  test("what the run makes does not run where programs are told apart, and everything does where they are not", async () => {
    using arena = new Arena(owner);
    const script = "cp /usr/bin/true mine; sleep 0.3; ./mine; echo $?";
    const rules = [executing("own.system", "allow", ["/usr/bin/*"])];
    const profile = new Tools(arena).profile({ execution: LISTED, rules });
    const run = await confined(arena, ["dash", "-c", script], { profile });
    expect(run.stdout, run.stderr).toBe("126\n");
    const free = await confined(arena, ["dash", "-c", script]);
    expect(free.stdout, free.stderr).toBe("0\n");
  });
});

test("programs that need no interpreter work without any", async () => {
  using arena = new Arena();
  const profile = new Tools(arena).profile({ execution: { interpreters: "refused" } });
  const git = await confined(arena, ["git", "init", "-q", "."], { profile });
  expect(git.exitCode, git.stderr).toBe(0);
  const python = await confined(arena, ["env", "python3", "-c", "1"], { profile });
  expect(python.exitCode).toBe(126);
  const shell = await confined(arena, ["sh", "-c", "1"], { profile });
  expect(shell.exitCode).toBe(126);
  expect(shell.stderr).toContain("(rule execution.interpreters)");
});

test("programs of the client library are judged and recorded by what they are; what they are called with is marked as said", async () => {
  using arena = new Arena();
  const node = realpathSync(process.execPath);
  const id = digestOf("/usr/bin/id");
  const rules = [
    executing("own.node", "allow", [node]),
    executing("own.id", "allow", ["/usr/bin/*"], { sha256: [id], owner: [0] }),
  ];
  const profile = new Tools(arena).profile({ execution: LISTED, rules });
  const agent = `import { connect } from ${JSON.stringify(CLIENT)};
    const client = await connect();
    await client.exec("/usr/bin/id", ["not", "its", "name"]);
    await client.exec("/usr/bin/env", ["env"]).catch((error) => console.log(error.denial?.rule ?? error));
    client.close();`;
  arena.put("workspace/agent.mjs", agent);
  const run = await confined(arena, [node, "agent.mjs"], { profile, flags: ["--read", dirname(node)] });
  expect(run.stdout, run.stderr).toContain("execution.listed");
  const allowed = run.records.find(({ kind, op }) => kind === "intent" && op === "exec");
  const said = { argv: '["not","its","name"]', advisory: "argv" };
  expect(allowed).toMatchObject({
    path: "/usr/bin/id",
    rule: "own.id",
    extra: { ...said, owner: 0, sha256: id },
  });
  const refused = run.records.find(({ kind, op }) => kind === "deny" && op === "exec");
  expect(refused).toMatchObject({
    path: "/usr/bin/env",
    rule: "execution.listed",
    extra: { argv: '["env"]', advisory: "argv", owner: 0, sha256: digestOf("/usr/bin/env") },
  });
});

test("why looks at the file", async () => {
  using arena = new Arena();
  const tools = new Tools(arena);
  const rules = [executing("own.id", "allow", ["/usr/bin/id"], { sha256: [digestOf("/usr/bin/id")] })];
  const profile = tools.profile({ execution: { ...LISTED, interpreters: "refused" }, rules });
  const ask = async (path: string): Promise<string> => {
    const answer = await sallyport(arena, ["why", "-p", profile, "--op", "exec", "--path", path, "--json"]);
    const { verdict, rule, reason } = JSON.parse(answer.stdout) as Record<string, string>;
    return `${answer.exitCode} ${verdict} ${rule} ${reason}`;
  };
  expect(await ask("/usr/bin/id")).toBe(
    `0 allow own.id Reason of own.id (owner 0, sha256 ${digestOf("/usr/bin/id")})`,
  );
  expect(await ask("/usr/bin/env")).toMatch(/^1 deny execution\.listed .*\(owner 0\)$/);
  expect(await ask("/usr/bin/python3")).toMatch(/^1 deny execution\.interpreters /);
});

test.each<[string, object, string]>([
  [
    "an owner whom nobody knows",
    { rules: [executing("own", "allow", ["/**"], { owner: ["nemo"] })] },
    'owner "nemo"',
  ],
  ["programs in memory", { memfd: "any", execution: LISTED }, "memfd: noexec"],
])("a run with %s does not start", async (_what, fields, message) => {
  using arena = new Arena();
  const run = await confined(arena, ["true"], { profile: new Tools(arena).profile(fields) });
  expect(run.exitCode).toBe(125);
  expect(run.stderr).toContain(message);
});
