/** Tokens that a Python program presents by the C library: with a proof that it had signed, and without one where the token has no key. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { path } from "../support/sessions.ts";
import { SHIM_LIBRARY } from "../support/shim_program.ts";
import { startWith, until } from "../support/token_run.ts";
import { holders, presentable } from "../support/tokens.ts";
import { pythonObstacle } from "../support/vectors/shims.ts";

const ROOT: string = new URL("../..", import.meta.url).pathname;

test("a program that was started with a presented token has what that grants, and no other proof is taken", async (context) => {
  const obstacle = pythonObstacle();
  if (obstacle !== "") return context.skip(`skipped: ${obstacle}`);
  using arena = new Arena();
  arena.put("workspace/mine/a.md", "of the child\n");
  arena.put("workspace/a.md", "of the parent\n");
  const grants = [path("read", `${arena.workspace}/mine/**`)];
  const key = holders[0]!;
  const sign = `import { proveHolder } from ${JSON.stringify(join(ROOT, "dist/client/tokens.js"))};
const [token, session, key] = JSON.parse(process.argv[1]);
process.stdout.write(proveHolder(token, session, key));`;
  const parent = `
import dataclasses, json, subprocess, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(join(ROOT, "python"))})
import sallyport
plain, keyed, key, node, sign = json.loads(${JSON.stringify(
    JSON.stringify([
      presentable("plain", grants, null),
      presentable("keyed", grants, key),
      key,
      process.execPath,
      sign,
    ]),
  )})
broker = sallyport.connect()
def attempt(act):
    try:
        return "handle" if act() >= 0 else ""
    except sallyport.BrokerError as error:
        return error.code
def proof(challenge):
    session = {**dataclasses.asdict(challenge), "run": broker.run}
    given = json.dumps([keyed, session, key])
    return subprocess.run([node, "--input-type=module", "-e", sign, given], capture_output=True, text=True).stdout
signed = proof(broker.challenge())
print("bearer", attempt(lambda: broker.present(plain)))
print("no proof", attempt(lambda: broker.present(keyed)))
print("forged", attempt(lambda: broker.present(keyed, signed[:-8] + "AAAAAAAA")))
signed = proof(broker.challenge())
handle = broker.present(keyed, signed)
print("again", attempt(lambda: broker.present(keyed, signed)), flush=True)
broker.exec("/bin/sh", ["sh", "-c", "cat mine/a.md; cat a.md 2>/dev/null || echo refused; echo end"], handle=handle)
time.sleep(60)
`;
  arena.put("workspace/parent.py", parent);
  const started = await startWith(arena, ["/usr/bin/python3", "parent.py"], {
    reads: [
      join(ROOT, "python"),
      SHIM_LIBRARY,
      join(ROOT, "dist"),
      join(ROOT, "package.json"),
      process.execPath,
    ],
  });
  await until("the child has said all", () => started.said().includes("end\n")).finally(() =>
    started.run.signal("SIGKILL"),
  );
  const end = await started.finished();
  expect(end.stdout.trimEnd().split("\n"), end.stderr).toEqual([
    "bearer handle",
    "no proof DENIED",
    "forged DENIED",
    "again DENIED",
    "of the child",
    "refused",
    "end",
  ]);
});
