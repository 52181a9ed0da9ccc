import type { KeyObject } from "node:crypto";
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SallyportError } from "../../protocol/errors.ts";
import type { IssuerKeys } from "../../tokens/envelope.ts";
import { arrayOf, objectOf } from "../../tokens/fields.ts";
import { type PublicJwk, parsePublicJwk, publicKey, thumbprint } from "../../tokens/jwk.ts";
import { nameOf } from "../../tokens/payload.ts";
import { formatRefusal, TokenRefused } from "../../tokens/refusal.ts";
import { type JsonObject, parseJson } from "../../tokens/strict_json.ts";
import { type IssuerFile, jwksOf } from "./issuer_key.ts";

/** Managed configuration: each file names an issuer and has its JWK Set, {"issuer":"https://…","keys":[{"kty":"OKP",…}]}. */
export const MANAGED_ISSUERS = "/etc/sallyport/issuers";
const MAX_BYTES = 1 << 20;
const MAX_KEYS = 64;

/**
 * The keys that tokens are verified with here: those of this host, and those of the files of `directory`. Throws SETUP for a file that is
 * none, or that others than root and this user could have written: an issuer whom nobody can name is better than a wrong one.
 */
export function trustedIssuers(own: IssuerFile | null, directory: string = MANAGED_ISSUERS): IssuerKeys {
  const keys = new Map<string, Map<string, KeyObject>>();
  if (own !== null) keys.set(own.name, ownKeys(own));
  for (const file of namesOf(directory)) {
    const path = join(directory, file);
    const { issuer, set } = readIssuerFile(path);
    if (keys.has(issuer))
      throw unusable(
        path,
        `field "issuer" names ${JSON.stringify(issuer)}, which another file or this host is`,
      );
    keys.set(issuer, set);
  }
  return {
    knows: (issuer) => keys.has(issuer),
    find: (issuer, kid) => keys.get(issuer)?.get(kid) ?? null,
  };
}

function ownKeys(own: IssuerFile): Map<string, KeyObject> {
  return new Map(
    (jwksOf(own).keys as (PublicJwk & { kid: string })[]).map(({ kid, kty, crv, x }) => [
      kid,
      publicKey({ kty, crv, x }),
    ]),
  );
}

function namesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw unusable(directory, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

function readIssuerFile(path: string): { readonly issuer: string; readonly set: Map<string, KeyObject> } {
  const fd = openSync(path, "r");
  try {
    const { uid, mode, size } = fstatSync(fd);
    if ((uid !== 0 && uid !== process.geteuid!()) || (mode & 0o022) !== 0)
      throw unusable(path, "others than root and this user may write it; chown it to root and chmod 644 it");
    if (size > MAX_BYTES) throw unusable(path, `it is longer than ${MAX_BYTES} bytes`);
    const file = objectOf(parseJson(readFileSync(fd), "file"), "", ["issuer", "keys"]);
    const set = arrayOf(file["keys"], "keys", MAX_KEYS).map((entry, at): [string, KeyObject] => {
      // A JWK Set says more of its keys; nothing of it makes one good for more.
      const jwk = objectOf(
        entry,
        `keys[${at}]`,
        ["kty", "crv", "x"],
        ["kid", "use", "alg", "key_ops"],
      ) as JsonObject;
      const { kty, crv, x } = jwk;
      const key = parsePublicJwk({ kty, crv, x } as JsonObject, `keys[${at}]`);
      const kid = jwk["kid"] === undefined ? thumbprint(key) : nameOf(jwk["kid"], `keys[${at}].kid`);
      return [kid, publicKey(key)];
    });
    return { issuer: nameOf(file["issuer"], "issuer"), set: new Map(set) };
  } catch (error) {
    if (error instanceof TokenRefused) throw unusable(path, formatRefusal(error.refusal));
    throw error;
  } finally {
    closeSync(fd);
  }
}

function unusable(path: string, why: string): SallyportError {
  return new SallyportError("SETUP", `Cannot trust issuers by "${path}": ${why}`);
}
