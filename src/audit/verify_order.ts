/** Rules between the records of one run. */
import { AuditError } from "./errors.ts";
import type { Report } from "./problem.ts";
import type { Entry } from "./read.ts";
import { type AuditRecord, parseRecord } from "./record.ts";

export type OrderRules = {
  add(entry: Entry): void;
  /** Intents without an outcome so far: a killed run leaves some. */
  openIntents(): number;
};

/**
 * Each entry is a record that carries its own index and `run`; each outcome names an earlier intent that has none yet.
 * Memory grows with the intents that are open.
 */
export function orderRules(run: string, report: Report): OrderRules {
  const open = new Set<number>();
  return {
    add: (entry) => {
      const { index, file, offset } = entry;
      const broken = (kind: "entry" | "order", detail: string): void =>
        report({ kind, file, index, offset, detail });
      let record: AuditRecord;
      try {
        record = parseRecord(entry.bytes);
      } catch (error) {
        if (!(error instanceof AuditError)) throw error;
        broken("entry", error.message);
        return;
      }
      if (record.seq !== index)
        broken("order", `The record at index ${index} says that it is number ${record.seq}`);
      if (record.run !== run) broken("order", `The record is of run "${record.run}"`);
      if (record.kind === "intent") open.add(index);
      if (record.kind !== "outcome") return;
      if (record.intent === undefined || !open.delete(record.intent)) {
        broken(
          "order",
          `The outcome names ${record.intent ?? "no intent"}, which is not an open intent before it`,
        );
      }
    },
    openIntents: () => open.size,
  };
}
