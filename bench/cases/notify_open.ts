/** An open of an unmodified program through the broker, beside the same open through a supervisor in C. */

import { type NotifyFront, serveNotifications } from "../../src/broker/notify/front.ts";
import { filterSpec } from "../../src/broker/profiles.ts";
import type { Session } from "../../src/broker/session.ts";
import { binding } from "../../src/platform/binding.ts";
import { makeClassifier } from "../../src/platform/seccomp/classify.ts";
import { type Cost, floor } from "../floor.ts";
import type { Row } from "../measure.ts";
import { compareOpens } from "../opens.ts";

const BARS = { "deciding only": { wall: 1.25, cpu: 1.25 }, "both records": { wall: 1.5, cpu: 1.8 } };

export function run(): Promise<Row[]> {
  const { classify } = makeClassifier(filterSpec("base"), {
    mediation: "strict",
    memfd: "noexec",
    inet: "refused",
  });
  const measure = async (session: Session, args: readonly string[]): Promise<Cost> => {
    const [ours, theirs] = binding.socketPair();
    let front: NotifyFront | null = null;
    const channel = binding.startChannel(
      ours,
      (_bytes, _pid, _uid, _gid, [listener]) => {
        front = serveNotifications(listener!, session, classify, () => -1);
      },
      () => {},
    );
    const cost = floor("notify_open", ["-x", ...args], theirs);
    binding.closeFd(theirs);
    try {
      return await cost;
    } finally {
      channel.close();
      (front as NotifyFront | null)?.close();
    }
  };
  return compareOpens("notify open", "notify_open", BARS, measure);
}
