/** The Ed25519 key that signs the logs of this host, and the C2SP signed-note form of its public half. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { decodeBase64 } from "./base64.ts";
import { AuditError, errnoOf } from "./errors.ts";
import { sha256 } from "./merkle.ts";

/** What a verifier needs; `vkey` is the signed-note text "name+hash+base64". */
export type LogVerifier = {
  readonly name: string;
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
  readonly vkey: string;
};

export type LogKey = LogVerifier & {
  /** Sixteen hex digits, from the public key. */
  readonly hostId: string;
  sign(bytes: Uint8Array): Buffer;
};

/** signed-note's type byte of Ed25519. */
const ED25519 = 1;
const RAW_KEY_BYTES = 32;

/**
 * Opens the log key below `stateDir`, making it when there is none: keys/ 0700, keys/log.key 0600 (PKCS #8 PEM),
 * keys/log.vkey. Throws SETUP when others could read or replace the key.
 */
export function openLogKey(stateDir: string): LogKey {
  const dir = join(stateDir, "keys");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || (stat.mode & 0o077) !== 0) {
    throw new AuditError("SETUP", `Cannot use "${dir}": it must be a directory of mode 0700 of this user`);
  }
  const path = join(dir, "log.key");
  const pem = readKey(path) ?? createKey(path);
  const key = logKeyOf(createPrivateKey(pem));
  const vkeyPath = join(dir, "log.vkey");
  const text = `${key.vkey}\n`;
  const found = existsSync(vkeyPath) ? readFileSync(vkeyPath, "utf8") : publishOnce(vkeyPath, text, 0o644);
  if (found !== text) {
    throw new AuditError("SETUP", `Cannot use "${vkeyPath}": it does not belong to the log key`);
  }
  return key;
}

/** A key that lives only in memory. */
export function ephemeralLogKey(): LogKey {
  return logKeyOf(generateKeyPairSync("ed25519").privateKey);
}

/** Parses a signed-note verifier key of type Ed25519. Throws INVALID. */
export function parseVkey(text: string): LogVerifier {
  const [name = "", id = "", encoded = "", ...rest] = text.trimEnd().split("+");
  // Base64 may itself hold "+".
  const bytes = decodeBase64([encoded, ...rest].join("+"));
  if (name === "" || /\s/.test(name) || bytes?.length !== 1 + RAW_KEY_BYTES || bytes[0] !== ED25519) {
    throw new AuditError("INVALID", "Cannot parse the verifier key: not an Ed25519 key in signed-note form");
  }
  const verifier = verifierOf(name, bytes.subarray(1));
  if (verifier.keyId.toString("hex") !== id)
    throw new AuditError("INVALID", "Cannot parse the verifier key: wrong key id");
  return verifier;
}

export function verifySignature(verifier: LogVerifier, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, bytes, verifier.publicKey, signature);
}

function logKeyOf(privateKey: KeyObject): LogKey {
  if (privateKey.asymmetricKeyType !== "ed25519")
    throw new AuditError("SETUP", "Cannot use the log key: not Ed25519");
  const raw = Buffer.from(createPublicKey(privateKey).export({ format: "jwk" }).x!, "base64url");
  const hostId = sha256(raw).toString("hex", 0, 8);
  return {
    ...verifierOf(`sallyport/${hostId}`, raw),
    hostId,
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

function verifierOf(name: string, raw: Buffer): LogVerifier {
  const typed = Buffer.concat([Buffer.of(ED25519), raw]);
  const keyId = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).subarray(0, 4);
  const publicKey = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") },
    format: "jwk",
  });
  return { name, keyId, publicKey, vkey: `${name}+${keyId.toString("hex")}+${typed.toString("base64")}` };
}

function readKey(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid?.() || (stat.mode & 0o077) !== 0) {
      throw new AuditError("SETUP", `Cannot use "${path}": it must be a file of mode 0600 of this user`);
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function createKey(path: string): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return publishOnce(path, privateKey.export({ type: "pkcs8", format: "pem" }).toString(), 0o600);
}

/** Makes a file with its whole content at once; of several processes one wins. Gives the content that stands. */
function publishOnce(path: string, content: string, mode: number): string {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    writeSync(fd, content);
    fsyncSync(fd);
    linkSync(temporary, path);
    return content;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return mode === 0o600 ? readKey(path)! : readFileSync(path, "utf8");
  } finally {
    closeSync(fd);
    unlinkSync(temporary);
  }
}
