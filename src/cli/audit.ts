import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { headsOf, verifyHostLog } from "../audit/hostlog.ts";
import { runLogDir } from "../audit/journal.ts";
import type { Problem } from "../audit/problem.ts";
import { readRecords } from "../audit/read.ts";
import { type VerifyResult, verifyRun } from "../audit/verify.ts";
import { verifyEnd } from "../audit/verify_end.ts";
import { printable } from "../broker/denial.ts";
import { stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { SallyportError } from "../protocol/errors.ts";

type Flags = { readonly json?: boolean; readonly state?: string };
type VerifyFlags = Flags & { readonly head?: string; readonly key?: string };

/** `sallyport audit show [RUN]`: a record a line, or the runs. */
export function auditShow(run: string | undefined, flags: Flags): void {
  const state = stateOf(flags);
  if (run === undefined) {
    const runs = runsOf(state);
    console.log(flags.json ? JSON.stringify(runs) : runs.map(printable).join("\n"));
    return;
  }
  for (const record of readRecords(logOf(state, run))) {
    if (flags.json) console.log(JSON.stringify(record));
    else {
      const { seq, time, kind, op = "", path = "", to, rule, errno, intent, extra } = record;
      const facts = [
        new Date(time).toISOString(),
        kind,
        op,
        path,
        to === undefined ? "" : `-> ${to}`,
        rule === undefined ? "" : `rule ${rule}`,
        intent === undefined ? "" : `of ${intent}`,
        errno ?? "",
        extra === undefined ? "" : JSON.stringify(extra),
      ];
      console.log(printable(`${seq} ${facts.filter((fact) => fact !== "").join(" ")}`));
    }
  }
}

/** `sallyport audit verify [RUN]`: exit 1 and one line a problem when a log is not what it was. */
export function auditVerify(run: string | undefined, flags: VerifyFlags): void {
  const state = stateOf(flags);
  const vkey = readText(flags.key ?? join(state, "keys", "log.vkey"));
  const published = flags.head === undefined ? null : readText(flags.head);
  let whole = true;
  const host = verifyHostLog(state, vkey);
  for (const problem of host.problems) {
    whole = false;
    console.log(
      flags.json ? JSON.stringify({ host: true, ...problem }) : printable(`host log: ${located(problem)}`),
    );
  }
  // A run that the host log knows and whose folder is gone has been deleted whole.
  const known =
    run === undefined
      ? [...new Set([...runsOf(state), ...host.entries.map((entry) => entry.run)])].filter((id) => id !== "")
      : [run];
  const named = published === null ? null : runOfHead(published);
  const runs = named === null || run !== undefined ? known : known.filter((id) => id === named);
  if (named !== null && runs.length === 0)
    throw new SallyportError("NOT_FOUND", `Cannot find run "${named}", which the head names`);
  for (const id of runs) {
    const heads = published === null ? [] : [published];
    const directory = runLogDir(state, id);
    const given = [...headsOf(host.entries, id), ...heads];
    const result = verifyEnd(directory, verifyRun(directory, { vkey, run: id, heads: given }));
    whole &&= result.ok;
    if (flags.json) {
      console.log(JSON.stringify({ run: id, ...result }));
      continue;
    }
    console.log(
      `${printable(id)}: ${result.ok ? "whole" : "NOT WHOLE"} · ${result.size} records · ${stateText(result)} · root ${result.root}`,
    );
    for (const problem of result.problems) console.log(printable(`  ${located(problem)}`));
  }
  process.exitCode = whole ? 0 : 1;
}

function stateText({ state, size, signedSize, openIntents }: VerifyResult): string {
  if (state === "sealed") return "sealed";
  const behind = size - Math.max(signedSize, 0);
  return `unsealed: its broker was killed or still runs, ${behind} records behind the last signed head, ${openIntents} intents without outcome`;
}

/** The last part of the origin, the first line of a checkpoint (C2SP tlog-checkpoint). */
function runOfHead(checkpoint: string): string {
  const origin = checkpoint.slice(0, checkpoint.indexOf("\n"));
  return origin.slice(origin.lastIndexOf("/") + 1);
}

/** Where a log is wrong, and how. */
function located({ kind, file, index, offset, detail }: Problem): string {
  const record = index === undefined ? "" : ` record ${index}`;
  const byte = offset === undefined ? "" : ` byte ${offset}`;
  return `${kind}: ${file === "" ? "given head" : file}${record}${byte}: ${detail}`;
}

function stateOf(flags: Flags): string {
  return stateDirectory(flags.state, userByUid(process.geteuid!()).home);
}

function runsOf(state: string): string[] {
  const runs = join(state, "runs");
  return existsSync(runs) ? readdirSync(runs).sort() : [];
}

function logOf(state: string, run: string): string {
  const directory = runLogDir(state, run);
  if (!existsSync(directory))
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot find run "${run}" in "${state}"; sallyport audit show names the runs`,
    );
  return directory;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new SallyportError("NOT_FOUND", `Cannot read "${file}": ${(error as NodeJS.ErrnoException).code}`);
  }
}
