/** What a broker holds in memory while its run sleeps, and what each further channel adds. */
import { spawn } from "node:child_process";
import { readFileSync, readSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { serveChannel } from "../../src/broker/channel_front.ts";
import { binding } from "../../src/platform/binding.ts";
import { encodeHello } from "../../src/protocol/codec.ts";
import { BenchBroker } from "../broker.ts";
import { median, type Row, spread } from "../measure.ts";

const BROKERS = 3;
const SETTLE_MS = 1500;
const CHANNELS = 200;
const BAR_IDLE_MB = 90;
const BAR_CHANNEL_KB = 64;

export async function run(): Promise<Row[]> {
  const idle: number[] = [];
  for (let i = 0; i < BROKERS; i++) idle.push((await idleKb()) / 1024);
  return [
    row("resident memory of an idle broker", "MB", idle, BAR_IDLE_MB),
    row("resident memory of one more session", "KB", [await channelKb()], BAR_CHANNEL_KB),
  ];
}

function row(name: string, unit: string, values: number[], bar: number): Row {
  return {
    name,
    unit,
    value: median(values),
    floor: null,
    ratio: null,
    bar,
    sense: "most",
    noise: spread(values),
  };
}

async function idleKb(): Promise<number> {
  const broker = new BenchBroker();
  const cli = join(dirname(fileURLToPath(import.meta.url)), "../../src/cli/main.js");
  const args = [cli, "run", "--state", join(broker.directory, "state"), "--", "sleep", "1000"];
  const child = spawn(process.execPath, args, { cwd: broker.workspace, stdio: "ignore" });
  await delay(SETTLE_MS);
  const kb = residentKb(child.pid!);
  child.kill("SIGTERM");
  await new Promise((resolve) => child.on("close", resolve));
  await broker.close();
  return kb;
}

async function channelKb(): Promise<number> {
  const broker = new BenchBroker();
  const session = broker.session("both records");
  const open = async (): Promise<void> => {
    const [ours, theirs] = binding.socketPair();
    serveChannel(
      ours,
      session,
      () => -1,
      () => {},
    );
    writeSync(theirs, encodeHello());
    await delay(1);
    readSync(theirs, Buffer.alloc(1024));
  };
  for (let i = 0; i < 20; i++) await open();
  const before = residentKb(process.pid);
  for (let i = 0; i < CHANNELS; i++) await open();
  const each = (residentKb(process.pid) - before) / CHANNELS;
  await broker.close();
  return each;
}

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
