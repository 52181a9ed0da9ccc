/** Proves the log of a run from its bytes and the public key, and says where it is wrong. */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { HEADS_FILE, readHeads } from "./heads.ts";
import { type LogVerifier, parseVkey } from "./key.ts";
import { appendLeaf, emptyFrontier, type Frontier, rootOf } from "./merkle.ts";
import type { Problem, Report } from "./problem.ts";
import { isSealed } from "./read.ts";
import { CHECKPOINT_FILE } from "./seal.ts";
import { orderRules } from "./verify_order.ts";
import { type Difference, type LeafSink, walkSealed } from "./verify_sealed.ts";
import { walkUnsealed } from "./verify_unsealed.ts";

export type VerifyOptions = {
  /** signed-note verifier key of the host: the text of keys/log.vkey. */
  readonly vkey: string;
  /** Default: the name in <state>/runs/<run>/log. */
  readonly run?: string;
  /** Signed heads that somebody kept outside: the log must contain them. */
  readonly heads?: readonly string[];
};

export type VerifyResult = {
  readonly ok: boolean;
  readonly state: "sealed" | "unsealed";
  readonly size: number;
  /** Base64; of the entries as they are. */
  readonly root: string;
  /** The largest size under a good signature, or -1; what follows is only crash-durable. */
  readonly signedSize: number;
  readonly tornBytes: number;
  readonly openIntents: number;
  /** At most 200. */
  readonly problems: readonly Problem[];
};

const MAX_PROBLEMS = 200;
/** In place of a file name: a head that the caller gave. */
const GIVEN = "";

type Known = { readonly checkpoint: Checkpoint; readonly file: string; readonly offset: number };

/** Verifies the log in `dir`. Synchronous, about 8 µs a record. Throws only for a bad `vkey` and failing reads. */
export function verifyRun(dir: string, options: VerifyOptions): VerifyResult {
  const verifier = parseVkey(options.vkey);
  const problems: Problem[] = [];
  const report: Report = (problem) => void (problems.length < MAX_PROBLEMS && problems.push(problem));
  const state = isSealed(dir) ? "sealed" : "unsealed";
  const run = options.run ?? basename(dirname(resolve(dir)));
  const origin = `${verifier.name}/${run}`;
  const final = state === "sealed" ? readFinal(dir, verifier, origin, report) : undefined;
  const known = readKnown(dir, verifier, origin, options.heads ?? [], report);
  if (final !== undefined) known.push({ checkpoint: final, file: CHECKPOINT_FILE, offset: 0 });
  known.sort((a, b) => a.checkpoint.size - b.checkpoint.size);
  if (state === "unsealed" && !existsSync(dir))
    report({ kind: "missing", file: "", detail: "There is no log" });

  const tree = emptyFrontier();
  const rules = orderRules(run, report);
  const heads = compareHeads(known);
  heads.at(tree);
  const onLeaf: LeafSink = (leaf, entry) => {
    appendLeaf(tree, leaf);
    if (entry !== undefined) rules.add(entry);
    heads.at(tree);
  };
  let tornBytes = 0;
  if (state === "sealed") {
    const size = final?.size ?? known.at(-1)?.checkpoint.size ?? 0;
    reportDifferences(walkSealed(dir, size, onLeaf, report), heads.rewritten() === undefined, report);
  } else if (existsSync(dir)) {
    tornBytes = walkUnsealed(dir, onLeaf, report);
  }
  const rewritten = heads.rewritten();
  if (rewritten !== undefined) report(rewritten);
  const largest = known.at(-1);
  if (largest !== undefined && largest.checkpoint.size > tree.size) {
    const { checkpoint, file, offset } = largest;
    const detail = `The log ends at ${tree.size}; a signed head has ${checkpoint.size}`;
    report({ kind: "cut", file, offset, index: tree.size, detail });
  }
  return {
    ok: problems.length === 0,
    state,
    size: tree.size,
    root: rootOf(tree).toString("base64"),
    signedSize: largest?.checkpoint.size ?? -1,
    tornBytes,
    openIntents: rules.openIntents(),
    problems,
  };
}

/** Compares a growing tree with the known heads, which are sorted by size. Remembers the first that differs. */
function compareHeads(known: readonly Known[]): {
  at(tree: Frontier): void;
  rewritten(): Problem | undefined;
} {
  let next = 0;
  let found: Problem | undefined;
  const good = { given: 0, own: 0 };
  return {
    at: (tree) => {
      const reached = { ...good };
      for (; known[next]?.checkpoint.size === tree.size; next++) {
        const { checkpoint, file, offset } = known[next]!;
        const isGiven = file === GIVEN;
        if (rootOf(tree).equals(checkpoint.root)) {
          reached[isGiven ? "given" : "own"] = tree.size;
          continue;
        }
        // Whoever writes a log again also signs its own heads again: against a head from outside those say nothing.
        const index = isGiven ? good.given : Math.max(good.given, good.own);
        const detail = `The log differs from a signed head between record ${index} and record ${tree.size - 1}`;
        found ??= { kind: "rewritten", file, offset, index, detail };
      }
      Object.assign(good, reached);
    },
    rewritten: () => found,
  };
}

/** When the entries give every signed root, the stored hash is wrong; else the entry, as far as its stored hash tells. */
function reportDifferences(differences: readonly Difference[], isTreeGood: boolean, report: Report): void {
  const altered = differences.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  if (isTreeGood || altered.length === 0) for (const { tile } of differences) report(tile);
  else for (const entry of altered) report(entry);
}

function readFinal(
  dir: string,
  verifier: LogVerifier,
  origin: string,
  report: Report,
): Checkpoint | undefined {
  const text = readFileSync(join(dir, CHECKPOINT_FILE));
  return parseKnown(text, verifier, origin, (offset, detail) =>
    report({ kind: "checkpoint", file: CHECKPOINT_FILE, offset, detail }),
  );
}

function readKnown(
  dir: string,
  verifier: LogVerifier,
  origin: string,
  given: readonly string[],
  report: Report,
): Known[] {
  const { heads, faults, tornBytes } = readHeads(join(dir, HEADS_FILE), verifier);
  const known: Known[] = [];
  for (const { checkpoint, offset } of heads) {
    if (checkpoint.origin === origin) known.push({ checkpoint, file: HEADS_FILE, offset });
    else report({ kind: "head", file: HEADS_FILE, offset, detail: "The head is of another log" });
  }
  for (const { offset, detail } of faults) report({ kind: "head", file: HEADS_FILE, offset, detail });
  // A killed broker may leave half a line; a sealed log has none, and its final head is the last one.
  if (isSealed(dir) && (tornBytes > 0 || heads.length + faults.length === 0)) {
    report({ kind: "head", file: HEADS_FILE, offset: 0, detail: "The file does not end in the final head" });
  }
  given.forEach((text, i) => {
    const checkpoint = parseKnown(Buffer.from(text), verifier, origin, (offset, detail) =>
      report({ kind: "head", file: GIVEN, offset, detail: `Given head ${i}: ${detail}` }),
    );
    if (checkpoint !== undefined) known.push({ checkpoint, file: GIVEN, offset: 0 });
  });
  return known;
}

function parseKnown(
  bytes: Buffer,
  verifier: LogVerifier,
  origin: string,
  fault: (offset: number, detail: string) => void,
): Checkpoint | undefined {
  const text = bytes.toString();
  try {
    const checkpoint = parseCheckpoint(text, verifier);
    if (checkpoint.origin === origin && Buffer.from(text).equals(bytes)) return checkpoint;
    fault(
      0,
      checkpoint.origin === origin ? "The checkpoint is not UTF-8" : "The checkpoint is of another log",
    );
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    fault(error.offset, error.message);
  }
  return undefined;
}
