import { closeSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Capability, CapabilityChain } from "../../policy/capability/capability.ts";
import { isName, subjectHolds } from "../../policy/capability/subject.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { appendLine, openExisting, readAll, readLines } from "./line_store.ts";
import { tokenDirectory } from "./place.ts";

/**
 * <state>/tokens/revocations.jsonl: one record a line, such as
 * {"v":1,"by":"id","value":"c-1","timeMs":1700000000000,"reason":"left the project"}
 * A capability is revoked with all that were derived from it: the record that names any link of its chain counts.
 */

export const REVOKE_BY = ["id", "subject", "issuer", "run", "epoch", "biscuit"] as const;
export type RevokeBy = (typeof REVOKE_BY)[number];

export type Revocation = {
  readonly v: 1;
  /**
   * id, run: for good. issuer: for good, whoever derived from it too. subject: it and those below it, made until then. epoch: all
   * that were made until then; `value` is "". biscuit: what would be made of one with this revocation id, for good; what was made of
   * it has records of its own by id.
   */
  readonly by: RevokeBy;
  readonly value: string;
  /** When it was revoked. */
  readonly timeMs: number;
  /** For people; may be "". */
  readonly reason: string;
};

const FILE = "revocations.jsonl";
/** The signature of a block, as libraries of Biscuits print it. */
const BISCUIT = /^[0-9a-f]{128}$/;
/** What another host's clock may be ahead, as in src/tokens. */
const SKEW_MS = 30_000;
/** No token lives longer, so that a record by id, run, subject or epoch is of no more use then. */
export const REVOCATION_KEEP_MS: number = 91 * 24 * 3_600_000;

/** Writes one record, on disk when it returns. Throws INVALID for a value that names nothing. */
export async function revoke(state: string, revocation: Omit<Revocation, "v">): Promise<void> {
  const record: Revocation = { v: 1, ...revocation };
  if (!isRevocation(record))
    throw new SallyportError(
      "INVALID",
      `Cannot revoke by ${revocation.by}: "value" must be ${revocation.by === "biscuit" ? "128 hex digits in lower case" : "1 to 128 printable ASCII characters without space"}`,
      {
        field: "value",
      },
    );
  const before = record.timeMs - REVOCATION_KEEP_MS;
  await appendLine(join(tokenDirectory(state), FILE), record, (old) => {
    const { by, timeMs } = parseRevocation(old);
    return by === "issuer" || by === "biscuit" || timeMs > before;
  });
}

/** Every record of the file, oldest first. */
export function readRevocations(state: string): readonly Revocation[] {
  return readAll(join(tokenDirectory(state), FILE)).map(parseRevocation);
}

/**
 * The revocations of a state directory as they are when `refresh` was last called. That costs one stat(2) while nothing has
 * changed; a file that can not be read or understood is an error, and whoever holds this must then refuse.
 */
export class Revocations {
  readonly #path: string;
  readonly #named: { readonly [by in "id" | "issuer" | "run" | "biscuit"]: Map<string, Revocation> } = {
    id: new Map(),
    issuer: new Map(),
    run: new Map(),
    biscuit: new Map(),
  };
  readonly #subjects = new Map<string, Revocation>();
  #epoch: Revocation | null = null;
  #inode = -1;
  #next = 0;

  constructor(state: string) {
    this.#path = join(tokenDirectory(state), FILE);
    this.refresh();
  }

  /** The file to be watched. */
  get path(): string {
    return this.#path;
  }

  /** Reads what was added; says whether there was something. Throws SETUP for a file that is no such file. */
  refresh(): boolean {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) {
      // It never goes away by our hand: with it, all revocations would.
      if (this.#inode !== -1) throw new SallyportError("SETUP", `Cannot read "${this.#path}": it is gone`);
      return false;
    }
    if (found.ino === this.#inode && found.size === this.#next) return false;
    const fd = openExisting(this.#path);
    if (fd === null) throw new SallyportError("SETUP", `Cannot read "${this.#path}": it is gone`);
    try {
      // A new file holds what still matters; what is known already stays known.
      const isSame = found.ino === this.#inode && found.size >= this.#next;
      const { records, next } = readLines(fd, this.#path, isSame ? this.#next : 0);
      for (const record of records) this.#add(parseRevocation(record));
      this.#inode = found.ino;
      this.#next = next;
      return records.length > 0;
    } finally {
      closeSync(fd);
    }
  }

  /** The record that revokes some link of the chain, or null. */
  revoked(chain: CapabilityChain): Revocation | null {
    for (const capability of chain) {
      const found = this.#ofOne(capability);
      if (found !== null) return found;
    }
    return null;
  }

  /** The record that revokes a Biscuit whose blocks have these ids, or null. */
  biscuitRevoked(ids: readonly string[]): Revocation | null {
    return ids.map((id) => this.#named.biscuit.get(id)).find((record) => record !== undefined) ?? null;
  }

  #ofOne({ id, issuer, run, subject, issuedMs }: Capability): Revocation | null {
    const named = this.#named.id.get(id) ?? this.#named.issuer.get(issuer) ?? this.#named.run.get(run ?? "");
    if (named !== undefined) return named;
    if (this.#epoch !== null && issuedMs <= this.#epoch.timeMs + SKEW_MS) return this.#epoch;
    for (const [name, record] of this.#subjects) {
      if (subjectHolds(name, subject) && issuedMs <= record.timeMs + SKEW_MS) return record;
    }
    return null;
  }

  #add(record: Revocation): void {
    if (record.by === "epoch") {
      if (this.#epoch === null || record.timeMs > this.#epoch.timeMs) this.#epoch = record;
    } else if (record.by === "subject") {
      const known = this.#subjects.get(record.value);
      if (known === undefined || record.timeMs > known.timeMs) this.#subjects.set(record.value, record);
    } else this.#named[record.by].set(record.value, record);
  }
}

function parseRevocation(value: unknown): Revocation {
  if (isRevocation(value)) return value;
  throw new SallyportError("SETUP", `Cannot read "${FILE}": a record is none of a revocation`);
}

function isRevocation(value: unknown): value is Revocation {
  const { v, by, value: named, timeMs, reason } = (value ?? {}) as Partial<Revocation>;
  return (
    v === 1 &&
    REVOKE_BY.includes(by as RevokeBy) &&
    typeof named === "string" &&
    (by === "epoch" ? named === "" : by === "biscuit" ? BISCUIT.test(named) : isName(named)) &&
    Number.isSafeInteger(timeMs) &&
    typeof reason === "string"
  );
}
