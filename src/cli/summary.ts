import type { ContainmentEvent } from "../broker/containment.ts";
import { denialLine, printable } from "../broker/denial.ts";
import type { RunEnd, RunFacts } from "../broker/run_facts.ts";

const MAX_DENIALS_SHOWN = 20;

/** The one line at the start: what holds, in words. */
export function startLine(facts: RunFacts): string {
  const reads = `reads ${facts.reads}${facts.readsBecause === "" ? "" : ` (${facts.readsBecause})`}`;
  const where = facts.access === "no workspace" ? facts.access : `${facts.access} ${facts.workspace}`;
  const staged = facts.stage === "none" ? "" : " · STAGED: the workspace stays as it is until a commit";
  const taken = facts.withoutDenials.length > 0 ? ` · WITHOUT ${facts.withoutDenials.join(", ")}` : "";
  const weaker = facts.missing.length > 0 ? ` · NOT ENFORCED HERE: ${facts.missing.join(", ")}` : "";
  const isKept = facts.undo === "moved" || facts.stage !== "none";
  const undo = isKept ? "" : facts.undo === "off" ? " · NO UNDO" : " · undo by copies";
  const programs = facts.execution === "by place" ? "" : ` · execution ${facts.execution}`;
  const tokens = facts.tokens === "" ? "" : ` · TOKEN ${facts.tokens}`;
  const { profile, run, net } = facts;
  const layers = facts.layers === "" ? "" : ` · under ${facts.layers}`;
  return printable(
    `sallyport: ${profile}${layers} · ${where} · ${reads} · net ${net}${programs}${tokens} · audit on · run ${run}${staged}${undo}${taken}${weaker}`,
  );
}

/** What happened to a live run, and how to go on. */
export function containmentLine(event: ContainmentEvent, run: string): string {
  switch (event.kind) {
    case "frozen": {
      const still = event.moving === 0 ? "" : `, ${event.moving} of them on their way`;
      const what = `${event.processes === 1 ? "1 process" : `${event.processes} processes`} stopped${still}`;
      return printable(
        `sallyport: run ${run} FROZEN: ${event.reason} · ${what} · to go on: sallyport resume ${run} · to end it: sallyport kill ${run}`,
      );
    }
    case "resumed": {
      const off = event.disarmed.length === 0 ? "" : ` · off for this run: ${event.disarmed.join(", ")}`;
      return printable(`sallyport: run ${run} goes on${off}`);
    }
    case "killed":
      return printable(`sallyport: run ${run} is being ended: ${event.reason}`);
  }
}

/** The summary at the end: what was done, each denial with its rule and next step, and the head that proves the log. */
export function endLines(end: RunEnd): string[] {
  const { denied } = end;
  const lines = [
    `sallyport: run ${end.run} ended: ${end.outcome} · ${count(end.operations, "operation")} · ${count(end.denials, "denial")} · ${count(end.changedFiles.length, "file")} changed · audit head ${end.auditHead.size} ${end.auditHead.root}`,
  ];
  for (const { denial, count: times } of denied.slice(0, MAX_DENIALS_SHOWN)) {
    lines.push(`sallyport: ${denialLine(denial)}${times > 1 ? ` (${times} times)` : ""}`);
  }
  if (end.undoable > 0) {
    const what = count(end.undoable, "change");
    lines.push(`sallyport: ${what} can be put back: sallyport undo restore ${end.run}`);
  }
  if (denied.length > MAX_DENIALS_SHOWN) {
    lines.push(`sallyport: ${denied.length - MAX_DENIALS_SHOWN} more: sallyport audit show ${end.run}`);
  }
  if (end.stage !== "none") {
    lines.push(
      `sallyport: nothing in ${end.workspace} has changed yet · see: sallyport changes ${end.run} · keep: sallyport commit ${end.run} · drop: sallyport discard ${end.run}`,
    );
  }
  return lines;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
