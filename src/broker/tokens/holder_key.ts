import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from "node:fs";
import { SallyportError } from "../../protocol/errors.ts";
import {
  newKey,
  type PrivateJwk,
  type PublicJwk,
  parsePublicJwk,
  privateKey,
  publicHalf,
} from "../../tokens/jwk.ts";
import { TokenRefused } from "../../tokens/refusal.ts";
import { type JsonObject, parseJson } from "../../tokens/strict_json.ts";

/** The file of a holder's key: a private JWK of kty, crv, x and d, 0600; a file without d is the public half alone. */

const MAX_BYTES = 4096;

/** Makes a key in a new file. Throws INVALID when the file is there. */
export function makeHolderKey(path: string): PublicJwk {
  const jwk = newKey();
  writeNewFile(path, `${JSON.stringify(jwk)}\n`);
  return publicHalf(jwk);
}

/** Makes a file that only its owner may read. Throws INVALID when there is one. */
export function writeNewFile(path: string, text: string): void {
  let fd: number;
  try {
    fd = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" ? "it is there already; choose another name" : code;
    throw new SallyportError("INVALID", `Cannot write "${path}": ${why}`, { errno: code });
  }
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** Throws INVALID for a file that others may read, or that holds no private key. */
export function readHolderKey(path: string): PrivateJwk {
  const { jwk, mode } = readJwk(path);
  if ((mode & 0o077) !== 0)
    throw refused(path, "others may read it; make a new key with sallyport token keys --new FILE");
  const { kty, crv, x, d } = jwk as unknown as PrivateJwk;
  if (typeof d !== "string")
    throw refused(path, "it has the public half alone; name the file with the private key");
  privateKey({ kty, crv, x, d });
  return { kty, crv, x, d };
}

/** The public half, of a file of either. */
export function readHolder(path: string): PublicJwk {
  const { d: _secret, ...jwk } = readJwk(path).jwk;
  try {
    return parsePublicJwk(jwk, "holder");
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error;
    throw refused(path, `${error.message}; make one with sallyport token keys --new FILE`);
  }
}

function readJwk(path: string): { readonly jwk: JsonObject; readonly mode: number } {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw refused(path, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
  try {
    const { mode, size } = fstatSync(fd);
    if (size > MAX_BYTES) throw refused(path, "it is too long for a key");
    const jwk = parseJson(readFileSync(fd), "key");
    if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) throw refused(path, "it holds no JWK");
    return { jwk: jwk as JsonObject, mode };
  } catch (error) {
    if (error instanceof TokenRefused) throw refused(path, "it holds no JSON");
    throw error;
  } finally {
    closeSync(fd);
  }
}

function refused(path: string, why: string): SallyportError {
  return new SallyportError("INVALID", `Cannot use the key "${path}": ${why}`, { field: "key" });
}
