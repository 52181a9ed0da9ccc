import type { Session } from "../src/broker/session.ts";
import { BenchBroker, type Records } from "./broker.ts";
import { type Cost, floor, PLACEMENTS, place } from "./floor.ts";
import { compare, type Row } from "./measure.ts";

const ROUNDS = 11;
const WARM_UP = 3;
const RECORDS: readonly Records[] = ["deciding only", "both records"];

export type Bars = { readonly [records in Records]: { readonly wall: number; readonly cpu: number } };

/**
 * Compares one brokered open with the C program that brokers the same open: in each round the floor, then ours without and with
 * records, in the same placement. `measure` runs the floor's client with these arguments against a session.
 */
export async function compareOpens(
  what: string,
  program: string,
  bars: Bars,
  measure: (session: Session, args: readonly string[]) => Promise<Cost>,
): Promise<Row[]> {
  const broker = new BenchBroker();
  const rows: Row[] = [];
  try {
    const sessions = RECORDS.map((records) => ({ records, session: broker.session(records) }));
    for (const placement of PLACEMENTS) {
      place(placement);
      const args = ["-n", "3000", "-r", "5", "-p", broker.file];
      const rounds = { "deciding only": [] as Round[], "both records": [] as Round[] };
      for (let round = -WARM_UP; round < ROUNDS; round++) {
        const least = await floor(program, [...args, "-c", placement === "one core" ? "same" : "default"]);
        for (const { records, session } of sessions) {
          const ours = await measure(session, args);
          if (round >= 0) rounds[records].push({ ours, least });
        }
      }
      for (const records of RECORDS)
        rows.push(...rowsOf(`${what}, ${records}, ${placement}`, rounds[records], bars[records]));
    }
  } finally {
    place("default placement");
    await broker.close();
  }
  return rows;
}

type Round = { readonly ours: Cost; readonly least: Cost };

function rowsOf(name: string, rounds: readonly Round[], bars: Bars[Records]): Row[] {
  const pairs = (key: keyof Cost) =>
    rounds.map(({ ours, least }) => ({ value: ours[key] / 1e3, floor: least[key] / 1e3 }));
  return [
    compare(`${name}, latency`, "µs", pairs("wallNs"), bars.wall),
    compare(`${name}, CPU of both sides`, "µs", pairs("cpuNs"), bars.cpu),
  ];
}
