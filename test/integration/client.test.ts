/** The TypeScript client where a broker goes away, a call is given up, and a program is joined by pipes. */
import { execFileSync } from "node:child_process";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { Connection } from "../../src/client/connection.ts";
import { isIdempotent } from "../../src/client/link.ts";
import { binding } from "../../src/platform/binding.ts";
import { decode, encodeHelloReply, encodeReply } from "../../src/protocol/codec.ts";
import { OPEN, type WireRequest } from "../../src/protocol/message.ts";
import { parseRequest } from "../../src/protocol/parse.ts";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { SAMPLES } from "../support/docs/protocol_fields.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";

const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;

/** A broker that answers hello and leaves every request to the test. */
function silentBroker() {
  const [ours, theirs] = binding.socketPair();
  const asked: { id: number; request: WireRequest }[] = [];
  const broker = binding.startChannel(
    ours,
    (bytes) => {
      if (bytes[1] === 0xa9) broker.send(encodeHelloReply("run", ":workspace"), -1);
      else asked.push(parseRequest(decode(bytes)));
    },
    () => {},
  );
  return { broker, asked, connection: new Connection(binding, theirs) };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("a call that is given up", () => {
  test("rejects with the reason, and a descriptor that comes late is closed", async () => {
    const { broker, asked, connection } = silentBroker();
    await connection.hello;
    const gaveUp = new AbortController();
    const call = connection.ask(SAMPLES.open, [], gaveUp.signal);
    await turn();
    gaveUp.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    const pair = binding.streamPair() as [number, number];
    broker.send(encodeReply(asked[0]!.id, { ok: true, value: null }), pair[1]);
    await turn();
    // The other end reads the end: nobody holds the descriptor any more.
    expect((binding.streamRead(pair[0]) as Buffer).length).toBe(0);
    const other = connection.ask(SAMPLES.mkdir);
    await turn();
    broker.send(encodeReply(asked[1]!.id, { ok: true, value: null }), -1);
    await expect(other).resolves.toEqual({ value: null, fd: -1 });
    await expect(connection.ask(SAMPLES.mkdir, [], AbortSignal.abort("before"))).rejects.toBe("before");
    expect(asked.length).toBe(2);
    binding.closeFd(pair[0]);
    connection.close();
    broker.close();
  });
});

test("what was under way when the broker went has an unknown outcome, what comes after it has none", async () => {
  const { broker, connection } = silentBroker();
  await connection.hello;
  const call = connection.ask(SAMPLES.mkdir);
  await turn();
  broker.close();
  await expect(call).rejects.toMatchObject({ code: "GONE", outcome: "unknown" });
  await expect(connection.ask(SAMPLES.mkdir)).rejects.toMatchObject({ code: "GONE", outcome: "none" });
  connection.close();
});

test("only what changes nothing is asked twice", () => {
  const again = Object.values(SAMPLES)
    .filter(isIdempotent)
    .map(({ op }) => op);
  expect(again.sort()).toEqual(["list", "open", "read-cells", "resolve", "stat"]);
  for (const flag of ["write", "append", "create", "exclusive", "truncate", "temporary", "sync"] as const)
    expect(isIdempotent({ ...SAMPLES.open, flags: OPEN.read | OPEN[flag] }), flag).toBe(false);
});

describe("inside a run", () => {
  const ask = async (body: string, profile: "trapping" | "kernel") => {
    using arena = new Arena();
    const program = `
import { readdirSync, readlinkSync, closeSync } from "node:fs";
import { connect } from ${JSON.stringify(CLIENT)};
const say = (what) => console.log(JSON.stringify(what));
const [outside] = process.argv.slice(2);
/** The channel of the client: breaks as if the broker had closed it. */
const channels = () => readdirSync("/proc/self/fd").filter((fd) => { try { return readlinkSync("/proc/self/fd/" + fd).startsWith("socket:") && Number(fd) > 3; } catch { return false; } });
const client = await connect();
${body}
await client[Symbol.asyncDispose]();
say(await client.stat(".").catch(({ code, outcome }) => code + " " + outcome));
`;
    const agent = arena.put("home/agent.mjs", program);
    const run = await confined(arena, [process.execPath, agent, arena.outside], {
      flags: ["--read", dirname(process.execPath), "--read", agent],
      ...(profile === "kernel" ? { profile: arena.put("home/kernel.yaml", KERNEL_PROFILE) } : {}),
    });
    expect(run.exitCode, run.stderr).toBe(0);
    return {
      run,
      said: run.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    };
  };

  test.each(["trapping", "kernel"] as const)(
    "streams, a program joined by pipes, and its end (%s)",
    async (profile) => {
      const { said } = await ask(
        `
const out = await client.createWriteStream("s.txt");
out.end("one two three");
await new Promise((resolve) => out.on("close", resolve));
let text = "";
for await (const part of await client.createReadStream("s.txt", { startBytes: 4, endBytes: 6 })) text += part;
say(text);
const program = await client.spawn("/bin/sh", ["sh", "-c", "cat; echo err >&2; exit 7"], { env: {} });
program.stdin.end("in");
const all = async (stream) => { let text = ""; for await (const part of stream) text += part; return text; };
say([await all(program.stdout), await all(program.stderr), await program.ended]);
const sleeper = await client.spawn("/bin/sleep", ["sleep", "100"]);
await client.kill(sleeper.pid, "SIGKILL");
say(await sleeper.ended);
say(await client.spawn(outside + "/victim").catch(({ code }) => code));
say(await client.stat("s.txt", "follow", { signal: AbortSignal.abort("given up") }).catch((reason) => reason));
`,
        profile,
      );
      expect(said).toEqual([
        "two",
        ["in", "err\n", { exitCode: 7, signal: null }],
        { exitCode: null, signal: "SIGKILL" },
        "DENIED",
        "given up",
        "GONE none",
      ]);
    },
  );

  test.each(["trapping", "kernel"] as const)(
    "a channel that is lost is opened again, and nothing is done twice (%s)",
    async (profile) => {
      const { said, run } = await ask(
        `
import { Link } from ${JSON.stringify(CLIENT.replace("client.js", "link.js"))};
import { binding } from ${JSON.stringify(CLIENT.replace("client/client.js", "platform/binding.js"))};
const { link } = await Link.open(binding);
const fd = Number(channels().at(-1));
const attempt = (request) => link.ask(request).then(() => "done", ({ code, outcome }) => code + " " + outcome);
const mkdir = (path) => ({ op: "mkdir", path: process.cwd() + "/" + path, mode: 511 });
say(await attempt(mkdir("before")));
// A frame that is none: the broker closes the channel, and what was asked behind it is lost.
binding.messageSend(fd, Uint8Array.of(0xc1), [], 1000);
say(await attempt(mkdir("lost")));
say(await attempt(mkdir("after")));
const again = Number(channels().at(-1));
binding.messageSend(again, Uint8Array.of(0xc1), [], 1000);
say(await attempt({ op: "stat", path: process.cwd(), follow: "follow" }));
link.close();
say(await attempt(mkdir("closed")));
`,
        profile,
      );
      expect(said).toEqual(["done", "GONE unknown", "done", "done", "GONE none", "GONE none"]);
      const made = run.records
        .filter(({ op, kind }) => op === "mkdir" && kind === "intent")
        .map(({ path }) => path?.split("/").at(-1));
      expect(made).toEqual(["before", "after"]);
    },
  );
});

test("nothing native is loaded before there is something to connect to", () => {
  const body = `
import { SallyportError } from ${JSON.stringify(CLIENT)};
import { parseReply } from ${JSON.stringify(CLIENT.replace("client/client.js", "protocol/parse_reply.js"))};
const denial = ["stat"];
console.log(new SallyportError("DENIED", "x").errno, typeof parseReply, process.report.getReport().sharedObjects.filter((name) => name.endsWith(".node")).length);
`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", body], { encoding: "utf8" });
  expect(said).toBe("EACCES function 0\n");
});
