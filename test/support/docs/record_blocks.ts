import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { ProblemKind } from "../../../src/audit/problem.ts";
import {
  type AuditRecord,
  RECORD_KINDS,
  type RecordKind,
  serializeRecord,
} from "../../../src/audit/record.ts";
import { TS_LAYERS } from "../layers.ts";
import { type Blocks, code, codes, table } from "./blocks.ts";

const PROGRAM = join(import.meta.dirname, "../../../bin/sallyport");

const KIND_MEANING: { readonly [kind in RecordKind]: string } = {
  "run.start": "before the program starts; `extra` says what holds",
  intent: "an allowed request, before its effect",
  outcome: "what became of the request that `intent` names",
  deny: "a refused request",
  "run.end": "after the last process is gone; `extra` has the counts",
  rotate: "reserved",
  note: "a remark, such as a recovery after a crash; with `contained` that the run is frozen, resumed or killed, by whom and why",
};

/** A record with every field there is: its serialised form proves the table below. */
export const FULL_RECORD: Required<AuditRecord> = {
  v: 1,
  kind: "intent",
  seq: 7,
  time: 1_700_000_000_000,
  run: "5f2c7b1a9e04",
  agent: ":workspace",
  capability: "c-1",
  user: 1000,
  pid: 4242,
  op: "rename",
  path: "/w/a",
  to: "/w/b",
  rule: "workspace.write",
  verdict: "allow",
  flags: 2,
  mode: 0o644,
  intent: 3,
  errno: "ENOENT",
  result: 0,
  durability: "crash",
  extra: { key: "value" },
  truncated: true,
  sha256: "00",
};

const FIELD_MEANING: { readonly [field in keyof Required<AuditRecord>]: string } = {
  agent: "name of the profile",
  capability:
    "id of the capability that the decision rests on; absent where the profile or the floor alone decided",
  durability: "`crash` or `power`: what the record survives when the effect starts",
  errno: "what the program was told",
  extra:
    "facts of `run.start`, `run.end` and `note`; of a flow: `via`, then `address`, `bytesUp`, `bytesDown`, `milliseconds`; of an `exec`: `owner`, `sha256`, `argv`, `advisory`, `seen`",
  flags: "open flags, as in docs/protocol.md",
  intent: "in an outcome: `seq` of the intent it concludes",
  kind: "see above",
  mode: "permission bits asked for",
  op: "the operation",
  path: "without symbolic links, or as asked where the record says ELOOP; of `refused` the call and the reason; of `connect`, `accept` and `resolve` HOST:PORT or HOST",
  pid: "who asked",
  result: "the pid for exec, else 0",
  rule: "the rule that decided",
  run: "id of the run",
  seq: "number of the record, from 0; its leaf in the tree",
  sha256: "of the whole record, when it was cut",
  time: "milliseconds since 1970, by the clock of the host",
  to: "the second path of rename and link; the target of symlink",
  truncated: "strings were cut to fit 65535 bytes",
  user: "uid of the program",
  v: "version of the format",
  verdict: "`allow` or `deny`",
};

const PROBLEM_MEANING: { readonly [kind in ProblemKind]: string } = {
  checkpoint: "the final head is malformed, or its signature does not verify",
  head: "an earlier head, or one given with `--head`, is malformed, of another log or not signed by the key",
  entry: "a record is not the one whose hash was signed",
  tile: "a stored hash is not the one of the records",
  missing: "a file is not there",
  extra: "a file that does not belong to the log",
  cut: "the log is shorter than a signed head says",
  rewritten: "the log differs from a signed head",
  order:
    "a record has a wrong number or run, or an outcome has no open intent; in the host log: the chain is broken",
  segment: "bytes that no append leaves",
};

/** Every block that is made of the audit format, the layers and the command line. */
export const RECORD_BLOCKS: Blocks = {
  "record-kinds": () =>
    table(
      ["kind", "written"],
      RECORD_KINDS.map((kind) => [code(kind), KIND_MEANING[kind]]),
    ),
  "record-fields": () =>
    table(
      ["field", "meaning"],
      Object.keys(JSON.parse(serializeRecord(FULL_RECORD))).map((field) => [
        code(field),
        FIELD_MEANING[field as keyof AuditRecord],
      ]),
    ),
  "problem-kinds": () =>
    table(
      ["problem", "meaning"],
      Object.entries(PROBLEM_MEANING).map(([kind, meaning]) => [code(kind), meaning]),
    ),
  layers: () =>
    table(
      ["folder of src/", "may import"],
      Object.entries(TS_LAYERS).map(([folder, allowed]) => [
        code(folder),
        codes(allowed) || "nothing of ours",
      ]),
    ),
  "help-run": () => help("run"),
  "help-learn": () => help("learn"),
  "help-why": () => help("why"),
  "help-audit-verify": () => help("audit", "verify"),
};

const helps = new Map<string, string>();

/** What the built program says; the build belongs to `npm ci` and `npm run build`. */
export function help(...command: readonly string[]): string {
  const name = command.join(" ");
  const known = helps.get(name);
  if (known !== undefined) return known;
  const argv = [PROGRAM, ...command, "--help"];
  const env = { ...process.env, COLUMNS: "80" };
  const text = `\`\`\`text\n${execFileSync(process.execPath, argv, { encoding: "utf8", env }).trimEnd()}\n\`\`\``;
  helps.set(name, text);
  return text;
}
