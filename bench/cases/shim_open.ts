/** An open that a client asks for over its channel, beside the same open through a broker in C. */
import { serveChannel } from "../../src/broker/channel_front.ts";
import type { Session } from "../../src/broker/session.ts";
import { binding } from "../../src/platform/binding.ts";
import { type Cost, floor } from "../floor.ts";
import type { Row } from "../measure.ts";
import { compareOpens } from "../opens.ts";

const BARS = { "deciding only": { wall: 1.4, cpu: 1.4 }, "both records": { wall: 1.6, cpu: 1.9 } };

export function run(): Promise<Row[]> {
  const measure = async (session: Session, args: readonly string[]): Promise<Cost> => {
    const [ours, theirs] = binding.socketPair();
    const channel = serveChannel(
      ours,
      session,
      () => -1,
      () => {},
    );
    const cost = floor("seqpacket_open", ["-x", ...args], theirs);
    binding.closeFd(theirs);
    try {
      return await cost;
    } finally {
      channel.close();
    }
  };
  return compareOpens("shim open", "seqpacket_open", BARS, measure);
}
