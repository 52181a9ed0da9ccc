// Signs the packs in profiles/shipped, after npm run build:
//   node profiles/sign_packs.mjs --key FILE    with this Ed25519 private key in PEM
//   node profiles/sign_packs.mjs [--keep FILE] with a fresh key, kept in FILE (mode 0600, new) or thrown away
// The public key is written into src/broker/packs/release_key.ts: build again afterwards. A private key never belongs in the repository.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildBundle, keyId, SIGNATURE_FILE, signBundle } from "../dist/broker/packs/bundle.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { key: { type: "string" }, keep: { type: "string" } } });
if (values.key !== undefined && values.keep !== undefined)
  throw new Error("--keep is for a fresh key, and --key names one that is kept already");
const key =
  values.key === undefined
    ? generateKeyPairSync("ed25519").privateKey
    : createPrivateKey(readFileSync(values.key));
if (values.keep !== undefined)
  writeFileSync(values.keep, key.export({ type: "pkcs8", format: "pem" }), { mode: 0o600, flag: "wx" });

const shipped = join(root, "profiles", "shipped");
for (const name of readdirSync(shipped).sort()) {
  const { manifest, signature } = signBundle(buildBundle(join(shipped, name)), key);
  writeFileSync(join(shipped, name, SIGNATURE_FILE), `${JSON.stringify(signature, null, 2)}\n`);
  console.log(`${name} ${manifest.version}: signed`);
}
const publicKey = createPublicKey(key);
const pem = publicKey.export({ type: "spki", format: "pem" }).trim();
writeFileSync(
  join(root, "src", "broker", "packs", "release_key.ts"),
  `/** Written by profiles/sign_packs.mjs: the public key of who has signed the packs in profiles/shipped. */
export const RELEASE_KEY = \`${pem}\n\`;
`,
);
const kept =
  values.key !== undefined
    ? `the private key stays in ${values.key}`
    : values.keep !== undefined
      ? `the private key is in ${values.keep}: keep it out of the repository`
      : "the private key is thrown away: whoever changes a pack signs all of them with a fresh one";
console.log(`key ${keyId(publicKey)}; ${kept}`);
