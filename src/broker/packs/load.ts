/** A pack becomes a profile only when a trusted key has signed it, its own tests hold, and it stays under the managed layers. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseCases } from "../../policy/compare/cases.ts";
import { ceilingOf } from "../../policy/layers/apply.ts";
import { hostWithin } from "../../policy/layers/hosts.ts";
import type { Layer } from "../../policy/layers/layer.ts";
import { isWithinPatterns } from "../../policy/lint/stand_in.ts";
import { parseNetworkGrant } from "../../policy/network.ts";
import { PACK_NAME, parsePrompts } from "../../policy/packs/manifest.ts";
import { formatProblem } from "../../policy/problem.ts";
import { type ResolvedProfile, resolveProfile } from "../../policy/profile.ts";
import { isFields } from "../../policy/profile_fields.ts";
import { rightNames } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { TrustedDirectory } from "../layers/trusted_file.ts";
import { packageRoot } from "../package_files.ts";
import { underOwnCedar } from "../policy_files/under_own_cedar.ts";
import { knownProfiles } from "../profiles.ts";
import { parseYaml } from "../yaml_text.ts";
import { type Bundle, keyId, readBundle, signedDirectory, signerOf } from "./bundle.ts";
import { RELEASE_KEY } from "./release_key.ts";

/** Whose word a pack is: of the administrator, of the user, or part of this installation. */
export type Trust = "managed" | "user" | "shipped";
export type TrustedKey = { readonly publicKey: KeyObject; readonly trust: Trust; readonly file: string };

export type LoadedPack = {
  readonly profile: ResolvedProfile;
  readonly prompts: Readonly<Record<string, string>>;
  readonly trust: Trust;
  readonly cases: number;
};

/** Keys in /etc/sallyport/trusted-keys and ~/.config/sallyport/trusted-keys, which others can not write. */
export function trustedKeys(home: string, uid: number): TrustedKey[] {
  return [
    ...keysIn(TrustedDirectory.open("/", ["etc", "sallyport", "trusted-keys"], { kind: "root" }), "managed"),
    ...keysIn(
      TrustedDirectory.open(home, [".config", "sallyport", "trusted-keys"], { kind: "user", uid }),
      "user",
    ),
  ];
}

/** Of who has signed the packs that come with Sallyport. It is in the source, beside which nobody else can put another. */
export function releaseKey(): TrustedKey {
  return {
    publicKey: createPublicKey(RELEASE_KEY),
    trust: "shipped",
    file: "src/broker/packs/release_key.ts",
  };
}

/** The directory of a pack that comes with Sallyport, or null. */
export function shippedPack(name: string): string | null {
  const directory = join(packageRoot(), "profiles", "shipped", name);
  return PACK_NAME.test(name) && existsSync(join(directory, "pack.yaml")) ? directory : null;
}

export function shippedPacks(): string[] {
  return readdirSync(join(packageRoot(), "profiles", "shipped")).sort();
}

export function installedPack(name: string, state: string): string | null {
  const file = join(resolve(state), "packs", `${name}.pack`);
  return PACK_NAME.test(name) && existsSync(file) ? file : null;
}

/** `-p @NAME`: a pack that is installed, else one that comes with Sallyport. Throws INVALID for one that is not to be loaded. */
export function packNamed(name: string, state: string, home: string, uid: number): LoadedPack {
  const installed = installedPack(name, state);
  if (installed !== null) return loadSigned(readBundle(installed), trustedKeys(home, uid), []);
  const shipped = shippedPack(name);
  if (shipped !== null) return loadSigned(signedDirectory(shipped), [releaseKey()], []);
  throw new SallyportError("INVALID", `Cannot use "@${name}": no such pack; see sallyport policy pack list`);
}

/** Throws INVALID when no trusted key has signed it, or it is not to be loaded otherwise. */
export function loadSigned(
  bundle: Bundle,
  trusted: readonly TrustedKey[],
  managed: readonly Layer[],
): LoadedPack {
  const signer = signerOf(bundle, trusted);
  if (signer === null) {
    const { signature } = bundle;
    const why =
      signature === null
        ? "it is not signed"
        : `no trusted key has signed it (it names key ${signature.key}; trusted are ${trusted.map(({ publicKey }) => keyId(publicKey)).join(", ") || "none"})`;
    const isShipped = trusted.length > 0 && trusted.every(({ trust }) => trust === "shipped");
    throw refused(bundle, [
      isShipped
        ? `${why}: it was changed since, so install Sallyport anew, or sign it with profiles/sign_packs.mjs`
        : `${why}; put the public key into ~/.config/sallyport/trusted-keys`,
    ]);
  }
  return loadBundle(bundle, signer.trust, managed);
}

/** All that is looked at but the signature. */
export function loadBundle(bundle: Bundle, trust: Trust, managed: readonly Layer[]): LoadedPack {
  const { manifest, files } = bundle;
  const profile = profileOf(bundle);
  // Only who administers the machine may take a deny rule out of what is built in.
  if (trust === "user" && profile.withoutDenials.length > 0)
    throw refused(bundle, [
      `takes the deny rules ${profile.withoutDenials.join(", ")} out, which only a key in /etc/sallyport/trusted-keys may`,
    ]);
  const prompts = parsePrompts(files["prompts.yaml"] === undefined ? {} : yamlIn(bundle, "prompts.yaml"));
  if (!prompts.ok)
    throw refused(
      bundle,
      prompts.problems.map((one) => `prompts.yaml: ${formatProblem(one)}`),
    );
  const parsed = parseCases(yamlIn(bundle, "cases.yaml"));
  if (!parsed.ok)
    throw refused(
      bundle,
      parsed.problems.map((one) => `cases.yaml: ${formatProblem(one)}`),
    );
  const { answer } = underOwnCedar(profile);
  const failed = parsed.value.flatMap((one, index) => {
    const { problem } = answer(one);
    return problem === null
      ? []
      : [`cases.yaml: cases[${index}] ${one.op} ${one.path ?? one.host}: ${problem}`];
  });
  if (failed.length > 0) throw refused(bundle, failed);
  const above = managed.flatMap((layer) => beyondCeiling(profile, layer));
  if (above.length > 0) throw refused(bundle, above);
  if (manifest.name !== profile.name)
    throw refused(bundle, [`its profile is named "${profile.name}"; name it "${manifest.name}"`]);
  return { profile: { ...profile, pack: trust }, prompts: prompts.value, trust, cases: parsed.value.length };
}

/** What a pack grants and a managed layer does not, a line for each. Of any other profile nothing: it is only bound. */
export function packBeyond(profile: ResolvedProfile, layers: readonly Layer[]): string[] {
  if (profile.pack === undefined) return [];
  return layers
    .filter(({ kind }) => kind === "managed")
    .flatMap((layer) => beyondCeiling(profile, layer))
    .map((line) => `pack @${profile.lineage.at(-1)}: ${line}; use a pack that stays within it`);
}

/** What a pack grants and a managed layer does not. Only what the pack adds to the built-in profiles: those run under every layer. */
function beyondCeiling(profile: ResolvedProfile, layer: Layer): string[] {
  const builtIn = new Set(
    Object.values(knownProfiles()).flatMap((file) =>
      isFields(file) && Array.isArray(file["rules"])
        ? file["rules"].map((rule) => (rule as { id: unknown }).id)
        : [],
    ),
  );
  const found: string[] = [];
  for (const rule of profile.rules) {
    if (rule.effect !== "allow" || builtIn.has(rule.id) || rule.id.startsWith("native.")) continue;
    for (const right of rightNames(rule.rights)) {
      const ceiling = ceilingOf(layer, right)?.flatMap(({ paths }) => paths.map(({ text }) => text));
      const wide =
        ceiling === undefined
          ? undefined
          : rule.patterns.find((pattern) => !isWithinPatterns(pattern, ceiling));
      if (wide !== undefined)
        found.push(`rule ${rule.id} grants ${right} on ${wide}, which ${layer.file} does not`);
    }
  }
  const hosts = layer.network.allow?.map(({ text }) => parseNetworkGrant(text)!);
  for (const text of profile.network.allow)
    if (hosts !== undefined && !hostWithin(parseNetworkGrant(text)!, hosts))
      found.push(`grants the host ${text}, which ${layer.file} does not`);
  return found;
}

function profileOf(bundle: Bundle): ResolvedProfile {
  const content = yamlIn(bundle, "profile.yaml");
  const name = isFields(content) && typeof content["name"] === "string" ? content["name"] : "";
  const known = knownProfiles();
  if (name === "" || Object.hasOwn(known, name))
    throw refused(bundle, ["profile.yaml: has no name of its own"]);
  const resolved = resolveProfile(name, { ...known, [name]: content });
  if (!resolved.ok)
    throw refused(
      bundle,
      resolved.problems.map((one) => `profile.yaml: ${formatProblem(one)}`),
    );
  const text = bundle.files["policy.cedar"];
  if (isFields(content) && content["cedar"] !== undefined)
    throw refused(bundle, ["profile.yaml: names cedar; the policies of a pack are its policy.cedar"]);
  const file = `@${bundle.manifest.name}/policy.cedar`;
  return text === undefined ? resolved.value : { ...resolved.value, cedar: [{ file, text }] };
}

function yamlIn(bundle: Bundle, file: string): unknown {
  try {
    return parseYaml(bundle.files[file]!);
  } catch (error) {
    throw refused(bundle, [`${file}: is no YAML: ${String(error).split("\n")[0]}`]);
  }
}

function keysIn(directory: TrustedDirectory | null, trust: Trust): TrustedKey[] {
  if (directory === null) return [];
  try {
    return directory
      .names()
      .filter((name) => name.endsWith(".pem"))
      .flatMap((name) => {
        const pem = directory.read(name);
        return pem === null
          ? []
          : [
              {
                publicKey: publicKeyOf(pem, `${directory.path}/${name}`),
                trust,
                file: `${directory.path}/${name}`,
              },
            ];
      });
  } finally {
    directory.close();
  }
}

function publicKeyOf(pem: string, file: string): KeyObject {
  // A private key would be accepted here as well, and must not lie there.
  if (!pem.includes("BEGIN PUBLIC KEY"))
    throw new SallyportError("INVALID", `Cannot trust "${file}": it is no public key in PEM`);
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== "ed25519")
    throw new SallyportError("INVALID", `Cannot trust "${file}": it is no Ed25519 key`);
  return key;
}

function refused({ manifest }: Bundle, lines: readonly string[]): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot load the policy pack "${manifest.name}":${lines.map((line) => `\n  ${line}`).join("")}`,
  );
}
