/** Requests in flight on one channel: everything but the effect, beside a bare msgpackr echo on the same transport. */
import { Packr } from "msgpackr/pack";
import { serveChannel } from "../../src/broker/channel_front.ts";
import { binding } from "../../src/platform/binding.ts";
import { linux } from "../../src/platform/linux.ts";
import { BenchBroker } from "../broker.ts";
import { type Cost, floor, place } from "../floor.ts";
import { compare, median, type Row, spread } from "../measure.ts";

const ROUNDS = 11;
const REQUESTS = "60000";
const BAR_OF_ECHO = 0.8;
const BAR_PER_SECOND = 300_000;

type Serve = (fd: number) => { close(): void };

export async function run(): Promise<Row[]> {
  const broker = new BenchBroker();
  place("one core");
  const session = broker.session("deciding only", { ...linux, chmod: () => 0 });
  const packr = new Packr({ useRecords: false, moreTypes: false });
  const echo: Serve = (fd) => {
    const channel = binding.startChannel(
      fd,
      (bytes) => {
        channel.send(packr.pack(packr.unpack(bytes)), -1);
      },
      () => {},
    );
    return channel;
  };
  const args = ["-n", REQUESTS, "-p", broker.file];
  const rounds: { ours: Cost; least: Cost }[] = [];
  for (let round = -2; round < ROUNDS; round++) {
    const least = await measure(echo, ["-e", ...args]);
    const ours = await measure(
      (fd) =>
        serveChannel(
          fd,
          session,
          () => -1,
          () => {},
        ),
      args,
    );
    if (round >= 0) rounds.push({ ours, least });
  }
  await broker.close();
  const perSecond = ({ cpuNs }: Cost): number => 1e9 / cpuNs;
  const name = "pipelined shim decisions, no effect and no record, a second of one core for both sides";
  const pairs = rounds.map(({ ours, least }) => ({ value: perSecond(ours), floor: perSecond(least) }));
  const rates = pairs.map(({ value }) => value);
  return [
    { ...compare(`${name}, beside a msgpackr echo`, "/s", pairs, BAR_OF_ECHO), sense: "least" },
    {
      name,
      unit: "/s",
      value: median(rates),
      floor: null,
      ratio: null,
      bar: BAR_PER_SECOND,
      sense: "least",
      noise: spread(rates),
    },
  ];
}

async function measure(serve: Serve, args: readonly string[]): Promise<Cost> {
  const [ours, theirs] = binding.socketPair();
  const channel = serve(ours);
  const cost = floor("pipeline", args, theirs);
  binding.closeFd(theirs);
  try {
    return await cost;
  } finally {
    channel.close();
  }
}
