/** Who may say something to a live run: the front alone, without the rules that keep a run from its socket. */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { askRun } from "../../src/broker/control/client.ts";
import { type ControlFront, serveControl } from "../../src/broker/control/front.ts";
import { linux } from "../../src/platform/linux.ts";
import { Arena, NOBODY } from "../support/arena.ts";
import { execute, type Finished } from "../support/process.ts";

const RUN = "abc";
const NOT_US = 0x7ffffffe;

async function served(arena: Arena, rootPid: number): Promise<ControlFront> {
  const directory = join(arena.state, "runs", RUN);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const verbs = { echo: (request: unknown) => request };
  return await serveControl({ directory, rootPid, platform: linux, verbs });
}

/** A process of ours that sends one line, and prints what comes back. */
function ask(arena: Arena, line: string, within: readonly string[] = []): Promise<Finished> {
  const path = join(arena.state, "runs", RUN, "control");
  const script = `import socket,sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try: s.sendall(sys.argv[2].encode() + b"\\n")
except BrokenPipeError: pass
try: print(s.recv(65536).decode(), end="")
except ConnectionResetError: pass`;
  return execute([...within, "/usr/bin/python3", "-c", script, path, line]);
}

test("the socket is the owner's alone, and its name goes away with the run", async () => {
  using arena = new Arena();
  const front = await served(arena, NOT_US);
  const path = join(arena.state, "runs", RUN, "control");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await ask(arena, '{"verb":"echo","n":1}')).stdout).toBe(
    '{"ok":true,"value":{"verb":"echo","n":1}}\n',
  );
  front.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test.each([
  ["no JSON", "verb", "PROTOCOL"],
  ["no object", "null", "PROTOCOL"],
  ["no verb", '{"verbs":"echo"}', "PROTOCOL"],
  ["a verb that is none", '{"verb":"toString"}', "INVALID"],
  ["too long a line", `{"verb":"echo","x":"${"y".repeat(9000)}"}`, "PROTOCOL"],
])("%s is refused", async (_, line, code) => {
  using arena = new Arena();
  const front = await served(arena, NOT_US);
  expect(JSON.parse((await ask(arena, line)).stdout)).toMatchObject({ ok: false, code });
  front.close();
});

test("what descends from the launcher of the run is not listened to", async () => {
  using arena = new Arena();
  // We are its parent: seen from here it is inside.
  const front = await served(arena, process.pid);
  expect((await ask(arena, '{"verb":"echo"}')).stdout).toBe("");
  expect((await ask(arena, '{"verb":"echo"}', ["setsid", "-w", "sh", "-c", 'exec "$@"', "sh"])).stdout).toBe(
    "",
  );
  front.close();
});

test("the broker itself, which connects for the run, is not listened to", async () => {
  using arena = new Arena();
  const front = await served(arena, NOT_US);
  await expect(askRun(arena.state, RUN, { verb: "echo" })).rejects.toMatchObject({ code: "GONE" });
  front.close();
});

test("another user is not listened to, whatever the modes say", async (context) => {
  if (process.geteuid!() !== 0)
    context.skip(`skipped: needs root, this machine has uid ${process.geteuid!()}`);
  using arena = new Arena();
  const front = await served(arena, NOT_US);
  const path = join(arena.state, "runs", RUN, "control");
  for (const directory of [arena.state, join(arena.state, "runs"), join(arena.state, "runs", RUN)])
    chmodSync(directory, 0o777);
  chmodSync(path, 0o777);
  const nobody = ["setpriv", `--reuid=${NOBODY}`, "--clear-groups"];
  expect(await ask(arena, '{"verb":"echo"}', nobody)).toMatchObject({ exitCode: 0, stdout: "" });
  expect((await ask(arena, '{"verb":"echo"}')).stdout).toContain('"ok":true');
  front.close();
});
