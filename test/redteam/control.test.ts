/** A run that wants to speak for itself: its own control socket, by every name that leads there, and the command. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { SALLYPORT } from "../support/confined.ts";
import { LiveRun, until } from "../support/live_run.ts";

const CONNECT = `import os,socket,sys
state = sys.argv[1]
runs = os.path.join(state, "runs")
ways = [os.path.join(runs, sys.argv[2], "control"), "/proc/self/root" + os.path.join(runs, sys.argv[2], "control")]
try: os.symlink(os.path.join(runs, sys.argv[2], "control"), "link"); ways.append("link")
except OSError as e: print("symlink", e.errno)
try: os.link(os.path.join(runs, sys.argv[2], "control"), "hard"); ways.append("hard")
except OSError as e: print("link", e.errno)
for way in ways:
  s = socket.socket(socket.AF_UNIX)
  try:
    s.connect(way)
    s.sendall(b'{"verb":"kill"}\\n')
    got = s.recv(4096)
    print("REACHED" if got else "cut", way)
  except OSError as e: print("refused", e.errno)
print("done", flush=True)
import time; time.sleep(100)`;

test.each([
  ["by its rules", []],
  ["where the command line grants the state", ["--read", "--write"]],
])("a run does not reach its own control socket: %s", async (_, how) => {
  using arena = new Arena();
  // The id is only known inside when it is told: by a file.
  const script = `while ! test -f id; do sleep 0.05; done; exec /usr/bin/python3 -c "$0" ${arena.state} "$(cat id)"`;
  const flags = how.flatMap((option) => [option, arena.state]);
  await using run = new LiveRun(arena, ["bash", "-c", script, CONNECT], { flags });
  await until(() => run.id !== "", "the start");
  arena.put("workspace/id", run.id);
  await until(() => run.stdout.includes("done"), "the attempts");
  expect(run.stdout).not.toContain("REACHED");
  expect(run.stdout.match(/refused|cut/g)?.length).toBeGreaterThanOrEqual(2);
  expect(await run.status()).toMatchObject({ state: "running" });
  const records = await run.records();
  expect(records.filter(({ kind, op }) => kind === "deny" && op === "connect-unix").length).toBeGreaterThan(
    0,
  );
  await run.say("kill");
  expect(await run.ended).toBe(123);
});

test("sallyport inside a run neither sees nor ends it", async () => {
  using arena = new Arena();
  const [node, cli] = SALLYPORT;
  const command = `while ! test -f id; do sleep 0.05; done
${node} ${cli} runs --state ${arena.state}; ${node} ${cli} kill $(cat id) --state ${arena.state}; echo code $?; exec sleep 100`;
  await using run = new LiveRun(arena, ["bash", "-c", command], {
    flags: ["--read", join(SALLYPORT[1]!, "../..")],
  });
  await until(() => run.id !== "", "the start");
  arena.put("workspace/id", run.id);
  await until(() => run.stdout.includes("code"), "the attempt");
  expect(run.stdout).toContain("code 125");
  expect(run.stdout).not.toContain("running");
  expect(await run.status()).toMatchObject({ state: "running" });
  await run.say("kill");
  expect(await run.ended).toBe(123);
});
