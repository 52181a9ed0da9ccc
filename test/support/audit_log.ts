/** Logs for the audit tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Journal, type JournalOptions, runLogDir } from "../../src/audit/journal.ts";
import { ephemeralLogKey, type LogKey } from "../../src/audit/key.ts";
import { denyLine, intentLine, lineParts, outcomeLine } from "../../src/audit/lines.ts";
import { serializeRecord } from "../../src/audit/record.ts";

export const RUN = "r1";
export const START_MS = 1_790_000_000_000;

/** A mapping that no file backs: measures and tests the mapped path, without its durability. */
export function InMemoryMapShared(_fd: number, bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}

/** A state folder that is removed by the returned function. */
export function temporaryState(): { state: string; remove: () => void } {
  const state = mkdtempSync(join(tmpdir(), "sallyport-audit-"));
  return { state, remove: () => rmSync(state, { recursive: true, force: true }) };
}

export function openJournal(
  state: string,
  key: LogKey = ephemeralLogKey(),
  mapShared?: JournalOptions["mapShared"],
): { journal: Journal; key: LogKey; dir: string } {
  const dir = runLogDir(state, RUN);
  const journal = Journal.open({ dir, run: RUN, key, ...(mapShared === undefined ? {} : { mapShared }) });
  return { journal, key, dir };
}

/** Appends up to `count` records: a start, then intents with outcomes and every tenth a denial. */
export function fill(journal: Journal, count: number): void {
  const parts = lineParts(RUN, "agent", 1000);
  const event = {
    pid: 42,
    op: "open",
    path: "/home/ann/a.txt",
    rule: "fs.write",
    flags: 10,
    mode: 0o644,
  };
  if (journal.size === 0) {
    journal.append(serializeRecord({ v: 1, kind: "run.start", seq: 0, time: START_MS, run: RUN }));
  }
  while (journal.size < count) {
    const seq = journal.size;
    if (seq % 10 === 9) journal.append(denyLine(parts, seq, START_MS + seq, event, "EACCES"));
    else {
      journal.append(intentLine(parts, seq, START_MS + seq, event, "crash"));
      if (journal.size < count) journal.append(outcomeLine(parts, seq + 1, START_MS + seq, seq, "", 0));
    }
  }
}
