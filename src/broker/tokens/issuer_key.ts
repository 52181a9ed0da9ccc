import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { appendHostLog } from "../../audit/hostlog.ts";
import { openLogKey } from "../../audit/key.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { newKey, type PublicJwk, privateKey, publicHalf, thumbprint } from "../../tokens/jwk.ts";
import type { Issuer } from "../../tokens/mint.ts";
import { locked } from "./locked.ts";
import { tokenDirectory } from "./place.ts";

/**
 * The keys of this host that sign tokens: <state>/tokens/issuer.json, 0600, made on first use. Not in the keyring of the session: the
 * Secret Service takes a desktop's bus and a person who unlocks it, which a broker without a terminal has not. <state>/tokens/jwks.json has the
 * public halves. The name stays when the key changes: it is what tokens of others name as their audience.
 */
export type IssuerFile = {
  readonly v: 1;
  readonly name: string;
  /** The last one signs. A retired one has lost its private half and still verifies, until it is removed. */
  readonly keys: readonly IssuerKey[];
};
export type IssuerKey = {
  readonly kid: string;
  readonly key: PublicJwk;
  /** "" of a retired one. */
  readonly d: string;
  readonly madeMs: number;
  readonly retiredMs: number | null;
};

const FILE = "issuer.json";
const MAX_KEYS = 32;

/** The issuer of this host, made when there is none; making it is an entry of the host log. */
export async function openIssuer(state: string): Promise<IssuerFile> {
  return findIssuer(state) ?? (await changed(state, (issuer) => issuer));
}

/** The issuer of this host, or null where none was made yet: then nobody holds a token of it. */
export function findIssuer(state: string): IssuerFile | null {
  return readIssuer(join(tokenDirectory(state), FILE));
}

/** Makes a new key for what is signed from now on. The private half of the one before is gone after that. */
export function rotateIssuer(state: string): Promise<IssuerFile> {
  return changed(state, async (issuer) => {
    if (issuer.keys.length >= MAX_KEYS) {
      const way = "remove old ones with sallyport token rotate --remove KID";
      throw new SallyportError("LIMIT", `Cannot rotate: there are ${MAX_KEYS} keys; ${way}`);
    }
    const fresh = freshKey(Date.now());
    await logged(state, `rotated to ${fresh.kid}`);
    const retired = issuer.keys.map((key) =>
      key.retiredMs === null ? { ...key, d: "", retiredMs: fresh.madeMs } : key,
    );
    return { ...issuer, keys: [...retired, fresh] };
  });
}

/** From then on what a retired key has signed is refused. The key that signs can not be removed: rotate first. */
export function removeIssuerKey(state: string, kid: string): Promise<IssuerFile> {
  return changed(state, async (issuer) => {
    const found = issuer.keys.find((key) => key.kid === kid);
    if (found === undefined || found.retiredMs === null) {
      const why =
        found === undefined
          ? "sallyport token keys names those there are"
          : "it is the one that signs; rotate first";
      throw new SallyportError("INVALID", `Cannot remove the key "${kid.slice(0, 64)}": ${why}`, {
        field: "kid",
      });
    }
    await logged(state, `removed ${kid}`);
    return { ...issuer, keys: issuer.keys.filter((key) => key !== found) };
  });
}

/** Makes what there is into what is to be, while nobody else does. */
function changed(
  state: string,
  change: (issuer: IssuerFile) => IssuerFile | Promise<IssuerFile>,
): Promise<IssuerFile> {
  return locked(join(tokenDirectory(state), FILE), async () => {
    const found = findIssuer(state) ?? (await firstIssuer(state));
    const wanted = await change(found);
    return wanted === found ? found : store(state, wanted);
  });
}

async function firstIssuer(state: string): Promise<IssuerFile> {
  const first = freshKey(Date.now());
  await logged(state, `made ${first.kid}`);
  return store(state, { v: 1, name: `urn:sallyport:host:${first.kid.slice(0, 22)}`, keys: [first] });
}

/** What mintToken signs with. */
export function signingIssuer({ name, keys }: IssuerFile): Issuer {
  const { kid, key, d } = keys.at(-1)!;
  return { name, kid, key: privateKey({ ...key, d }) };
}

/** A JWK Set (RFC 7517, section 5) of all keys that verify. */
export function jwksOf({ keys }: IssuerFile): { readonly keys: readonly object[] } {
  return { keys: keys.map(({ kid, key }) => ({ ...publicHalf(key), kid, use: "sig", alg: "EdDSA" })) };
}

function freshKey(madeMs: number): IssuerKey {
  const jwk = newKey();
  return { kid: thumbprint(publicHalf(jwk)), key: publicHalf(jwk), d: jwk.d, madeMs, retiredMs: null };
}

async function logged(state: string, about: string): Promise<void> {
  await appendHostLog(state, openLogKey(state), { kind: "issuer-key", run: "", about, timeMs: Date.now() });
}

function readIssuer(path: string): IssuerFile | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid!() || (stat.mode & 0o077) !== 0)
      throw new SallyportError(
        "SETUP",
        `Cannot use "${path}": it must be a file of mode 0600 of this user; if others have read it, remove it`,
        {
          errno: "EPERM",
        },
      );
    return parseIssuer(readFileSync(fd, "utf8"), path);
  } finally {
    closeSync(fd);
  }
}

function parseIssuer(text: string, path: string): IssuerFile {
  let value: Partial<IssuerFile> | null;
  try {
    value = JSON.parse(text) as Partial<IssuerFile> | null;
  } catch {
    value = null;
  }
  const keys = value?.keys;
  if (
    value?.v !== 1 ||
    typeof value.name !== "string" ||
    !Array.isArray(keys) ||
    keys.length === 0 ||
    !keys.every(isIssuerKey)
  )
    throw new SallyportError(
      "SETUP",
      `Cannot use "${path}": it is no file of issuer keys; restore it, or remove it and all its tokens end`,
    );
  const issuer = value as IssuerFile;
  signingIssuer(issuer);
  return issuer;
}

function isIssuerKey(value: unknown): value is IssuerKey {
  const { kid, key, d, madeMs, retiredMs } = (value ?? {}) as Partial<IssuerKey>;
  return (
    typeof d === "string" &&
    Number.isSafeInteger(madeMs) &&
    (retiredMs === null || Number.isSafeInteger(retiredMs)) &&
    typeof key?.x === "string" &&
    kid === thumbprint(key)
  );
}

/** Written whole, then put in place; the public halves first, so that nothing is signed that nobody could verify. */
function store(state: string, issuer: IssuerFile): IssuerFile {
  const directory = tokenDirectory(state);
  replace(join(directory, "jwks.json"), JSON.stringify(jwksOf(issuer)), 0o644);
  replace(join(directory, FILE), JSON.stringify(issuer), 0o600);
  return issuer;
}

function replace(path: string, text: string, mode: number): void {
  const temporary = `${path}.${process.pid}.new`;
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW,
    mode,
  );
  try {
    writeSync(fd, `${text}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  const parent = openSync(dirname(path), "r");
  try {
    fsyncSync(parent);
  } finally {
    closeSync(parent);
  }
}
