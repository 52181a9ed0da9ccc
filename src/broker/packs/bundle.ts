/** A policy pack in one file: its manifest, its files as texts, and a signature over the manifest, which holds their digests. */
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { join } from "node:path";
import { type Manifest, PACK_FILES, parseManifest, REQUIRED_FILES } from "../../policy/packs/manifest.ts";
import { formatProblem } from "../../policy/problem.ts";
import { isFields } from "../../policy/profile_fields.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { readPlainText } from "../plain_file.ts";
import { parseYaml } from "../yaml_text.ts";

export type Bundle = {
  readonly manifest: Manifest;
  readonly files: Readonly<Record<string, string>>;
  /** Of who signed, base64; null for one that is not signed. `key` is the start of the digest of the public key. */
  readonly signature: { readonly key: string; readonly value: string } | null;
};

/** Beside the files of a pack that comes with Sallyport. */
export const SIGNATURE_FILE = "signature.json";

const MAX_BYTES = 4 * 1024 * 1024;
/** So that no signature of something else is one of a pack. */
const CONTEXT = "sallyport policy pack 1\n";

/** Builds a pack from its directory. Throws INVALID for what is no pack. */
export function buildBundle(directory: string): Bundle {
  const files: Record<string, string> = {};
  for (const name of PACK_FILES) {
    const text = readText(join(directory, name), REQUIRED_FILES.includes(name) ? "required" : "optional");
    if (text !== null) files[name] = text;
  }
  const source = parseManifest(yamlOf(readText(join(directory, "pack.yaml"), "required")!), "source");
  if (!source.ok) throw invalid(`"${directory}"`, source.problems.map(formatProblem));
  const digests = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, digestOf(text)]));
  return { manifest: { ...source.value, files: digests }, files, signature: null };
}

/** A pack's directory with its signature beside its files. Throws INVALID for what is no pack, or has none. */
export function signedDirectory(directory: string): Bundle {
  const signature: unknown = jsonOf(
    readText(join(directory, SIGNATURE_FILE), "required")!,
    `"${join(directory, SIGNATURE_FILE)}"`,
  );
  if (!isSignature(signature)) throw invalid(`"${directory}"`, ["its signature has no key and value"]);
  return { ...buildBundle(directory), signature };
}

/** Reads a pack that was built. What its text holds beside is refused. Throws INVALID. */
export function parseBundle(text: string, what: string): Bundle {
  const value = jsonOf(text, what);
  if (!isFields(value) || Object.keys(value).some((key) => !["manifest", "files", "signature"].includes(key)))
    throw invalid(what, ["it holds other fields than manifest, files and signature"]);
  const manifest = parseManifest(value["manifest"], "built");
  if (!manifest.ok) throw invalid(what, manifest.problems.map(formatProblem));
  const { files, signature } = value;
  if (
    !isFields(files) ||
    Object.keys(files).sort().join() !== Object.keys(manifest.value.files).sort().join()
  )
    throw invalid(what, ["its files are not those of its manifest"]);
  for (const [name, content] of Object.entries(files))
    if (typeof content !== "string" || digestOf(content) !== manifest.value.files[name])
      throw invalid(what, [`${name} is not what its manifest says; build and sign it again`]);
  if (signature !== null && !isSignature(signature))
    throw invalid(what, ["its signature has no key and value"]);
  return {
    manifest: manifest.value,
    files: files as Record<string, string>,
    signature,
  };
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(what, ["it is no JSON; build it with sallyport policy pack build"]);
  }
}

function isSignature(value: unknown): value is NonNullable<Bundle["signature"]> {
  return (
    isFields(value) &&
    typeof value["key"] === "string" &&
    typeof value["value"] === "string" &&
    Object.keys(value).length === 2
  );
}

export function readBundle(file: string): Bundle {
  return parseBundle(readText(file, "required")!, `"${file}"`);
}

export function formatBundle({ manifest, files, signature }: Bundle): string {
  return `${canonical({ manifest, files, signature })}\n`;
}

/** `key` is an Ed25519 private key. */
export function signBundle(bundle: Bundle, key: KeyObject): Bundle {
  if (key.asymmetricKeyType !== "ed25519")
    throw new SallyportError(
      "INVALID",
      "Cannot sign the pack: the key is no Ed25519 key; make one with openssl genpkey -algorithm ed25519",
    );
  const value = sign(null, signedBytes(bundle.manifest), key).toString("base64");
  return { ...bundle, signature: { key: keyId(createPublicKey(key)), value } };
}

/** The key of `trusted` that has signed the pack, or null. */
export function signerOf<T extends { readonly publicKey: KeyObject }>(
  { manifest, signature }: Bundle,
  trusted: readonly T[],
): T | null {
  if (signature === null) return null;
  const value = Buffer.from(signature.value, "base64");
  // One text for each signature.
  if (value.length !== 64 || value.toString("base64") !== signature.value) return null;
  const bytes = signedBytes(manifest);
  return (
    trusted.find(
      ({ publicKey }) => keyId(publicKey) === signature.key && verify(null, bytes, publicKey, value),
    ) ?? null
  );
}

/** Sixteen hex digits that name a public key. */
export function keyId(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

function signedBytes(manifest: Manifest): Buffer {
  return Buffer.from(CONTEXT + canonical(manifest));
}

/** JSON without spaces and with sorted keys: one text for each value. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isFields(value)) return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${entries.join(",")}}`;
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function readText(file: string, how: "required" | "optional"): string | null {
  try {
    return readPlainText(file, MAX_BYTES);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && how === "optional") return null;
    const why =
      code === "EFBIG" || code === "EINVAL"
        ? `it is no regular file of at most ${MAX_BYTES} bytes`
        : `it can not be read: ${code}`;
    throw invalid(`"${file}"`, [why]);
  }
}

function yamlOf(text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw invalid("pack.yaml", [String(error).split("\n")[0]!]);
  }
}

function invalid(what: string, lines: readonly string[]): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot use the policy pack ${what}:${lines.map((line) => `\n  ${line}`).join("")}`,
  );
}
