/** What Cedar costs while a run goes on: a decision that is known, and one that is not. */
import { cedarLayer } from "../../src/broker/cedar/bound.ts";
import { startCedar } from "../../src/broker/cedar/slow_path.ts";
import { median, type Row, spread } from "../measure.ts";

const BATCHES = 21;
const POLICIES = 10;

export async function run(): Promise<Row[]> {
  const text = Array.from(
    { length: POLICIES },
    (_, at) =>
      `@id("p${at}") permit(principal, action == Action::"connect", resource) when { resource.name like "*.h${at}.test" && resource.port == 443 };`,
  ).join("\n");
  const layer = cedarLayer("managed", "/etc/bench.cedar", text, "bench");
  const cedar = startCedar([layer], { agent: "bench", run: "bench", uid: 0 })!;
  cedar.tellTo(() => {});
  const known = Array.from({ length: 100 }, (_, at) => `a${at}.h${at % POLICIES}.test`);
  for (const host of known)
    if (cedar.connect(host, 443) !== null) throw new Error("the policies do not hold");
  let fresh = 0;
  return [
    row("cedar, a decision that is cached", "us", 2, 50_000, (at) => known[at % known.length]!),
    row("cedar, a new host, 10 policies", "us", 1000, 50, () => `b${fresh++}.h5.test`),
  ];

  /** Process CPU time of one decision; median of batches. */
  function row(name: string, unit: string, bar: number, asks: number, host: (at: number) => string): Row {
    const samples: number[] = [];
    for (let batch = 0; batch < BATCHES; batch++) {
      const before = process.cpuUsage();
      for (let at = 0; at < asks; at++)
        if (cedar.connect(host(at), 443) !== null) throw new Error("the policies do not hold");
      const { user, system } = process.cpuUsage(before);
      samples.push((user + system) / asks);
    }
    const value = median(samples);
    return { name, value, unit, floor: null, ratio: null, bar, sense: "most", noise: spread(samples) };
  }
}
