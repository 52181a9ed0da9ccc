/** C2SP tlog-checkpoint in a C2SP signed-note: origin, size and root of a log, signed with Ed25519. */
import { decodeBase64 } from "./base64.ts";
import { AuditError } from "./errors.ts";
import { type LogKey, type LogVerifier, verifySignature } from "./key.ts";
import { HASH_BYTES } from "./merkle.ts";

/** A verified log head. `text` is the whole signed note. */
export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  readonly text: string;
};

const SIGNATURE_MARK = "— ";
const SIGNATURE_BYTES = 4 + 64;

export function checkpointBody(origin: string, size: number, root: Buffer): string {
  return `${origin}\n${size}\n${root.toString("base64")}\n`;
}

/** Signs a head; about 50 µs. */
export function signCheckpoint(key: LogKey, origin: string, size: number, root: Buffer): Checkpoint {
  const body = checkpointBody(origin, size, root);
  const signature = Buffer.concat([key.keyId, key.sign(Buffer.from(body))]).toString("base64");
  return { origin, size, root, text: `${body}\n${SIGNATURE_MARK}${key.name} ${signature}\n` };
}

/**
 * Parses a signed note and verifies the signature of `verifier`; lines of other keys (witnesses) are ignored. Throws INVALID
 * with the byte offset of the line at fault. The key name must be the first part of the origin: one key signs the logs of one host.
 */
export function parseCheckpoint(text: string, verifier: LogVerifier): Checkpoint {
  const split = text.lastIndexOf("\n\n");
  if (split < 0 || !text.endsWith("\n")) throw invalid("no signature block", text, 0);
  const body = text.slice(0, split + 1);
  const head = parseBody(body);
  if (head.origin !== verifier.name && !head.origin.startsWith(`${verifier.name}/`)) {
    throw invalid("the origin is not of this key", text, 0);
  }
  let signed = false;
  let at = split + 2;
  for (const line of text.slice(split + 2, -1).split("\n")) {
    signed = verifyLine(line, body, verifier, at) || signed;
    at += Buffer.byteLength(line) + 1;
  }
  if (!signed) throw invalid(`no signature of "${verifier.name}"`, text, split + 2);
  return { ...head, text };
}

/** Parses the note text (three lines and extension lines) without any proof that it is genuine. Throws INVALID. */
export function parseBody(body: string): { origin: string; size: number; root: Buffer } {
  const lines = body.split("\n");
  const [origin = "", size = "", root = ""] = lines;
  for (let at = 0; at < body.length; at++) {
    if (body.charCodeAt(at) < 0x20 && body[at] !== "\n") throw invalid("a control character", body, at);
  }
  if (lines.length < 4 || lines.pop() !== "" || lines.includes("")) throw invalid("not three lines", body, 0);
  const sizeAt = origin.length + 1;
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw invalid("the size", body, sizeAt);
  const hash = decodeBase64(root);
  if (hash?.length !== HASH_BYTES) throw invalid("the root", body, sizeAt + size.length + 1);
  return { origin, size: Number(size), root: hash };
}

function verifyLine(line: string, body: string, verifier: LogVerifier, at: number): boolean {
  const space = line.lastIndexOf(" ");
  const name = line.slice(SIGNATURE_MARK.length, space);
  const signature = decodeBase64(line.slice(space + 1));
  if (!line.startsWith(SIGNATURE_MARK) || name === "" || signature === undefined || signature.length < 5) {
    throw new AuditError("INVALID", "Cannot accept the checkpoint: a signature line is malformed", at);
  }
  if (name !== verifier.name || !signature.subarray(0, 4).equals(verifier.keyId)) return false;
  if (
    signature.length !== SIGNATURE_BYTES ||
    !verifySignature(verifier, Buffer.from(body), signature.subarray(4))
  ) {
    throw new AuditError("INVALID", "Cannot accept the checkpoint: the signature does not verify", at);
  }
  return true;
}

function invalid(what: string, text: string, at: number): AuditError {
  return new AuditError(
    "INVALID",
    `Cannot accept the checkpoint: ${what}`,
    Buffer.byteLength(text.slice(0, at)),
  );
}
