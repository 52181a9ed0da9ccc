import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { MANAGED, readLayers } from "../broker/layers/read_layers.ts";
import { buildBundle, formatBundle, readBundle, signBundle } from "../broker/packs/bundle.ts";
import {
  type LoadedPack,
  loadBundle,
  loadSigned,
  shippedPack,
  shippedPacks,
  trustedKeys,
} from "../broker/packs/load.ts";
import { writeFresh } from "../broker/saved_profiles.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { SallyportError } from "../protocol/errors.ts";

type Output = { readonly output: string };

/** `sallyport policy pack build`: the pack's own tests are run first. */
export function packBuild(directory: string, { output }: Output): void {
  const bundle = buildBundle(directory);
  const { cases } = loadBundle(bundle, "managed", []);
  writeFresh(output, formatBundle(bundle));
  console.log(
    `${bundle.manifest.name} ${bundle.manifest.version}: ${cases} cases hold; sign it with sallyport policy pack sign`,
  );
}

/** `sallyport policy pack sign` */
export function packSign(file: string, { key, output }: Output & { readonly key: string }): void {
  const signed = signBundle(readBundle(file), privateKeyOf(key));
  writeFresh(output, formatBundle(signed));
  console.log(`${signed.manifest.name} ${signed.manifest.version}: signed by key ${signed.signature!.key}`);
}

/** `sallyport policy pack verify`: signature, tests and ceiling, as they are looked at when it is loaded. */
export async function packVerify(file: string, flags: { readonly json?: boolean }): Promise<void> {
  const { manifest } = readBundle(file);
  try {
    const { trust, cases } = await load(file);
    const answer = { name: manifest.name, version: manifest.version, trust, cases, loads: true };
    console.log(
      flags.json
        ? JSON.stringify(answer)
        : `${manifest.name} ${manifest.version}: signed by a ${trust} key, ${cases} cases hold`,
    );
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    console.log(
      flags.json
        ? JSON.stringify({
            name: manifest.name,
            version: manifest.version,
            loads: false,
            problem: error.message,
          })
        : error.message,
    );
    process.exitCode = 1;
  }
}

/** `sallyport policy pack install` */
export async function packInstall(file: string, flags: { readonly state?: string }): Promise<void> {
  const bundle = readBundle(file);
  const { trust, cases } = await load(file);
  const { name, version } = bundle.manifest;
  const directory = join(openState(stateDirectory(flags.state, userByUid(process.geteuid!()).home)), "packs");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fresh = join(directory, `.${name}.${process.pid}`);
  writeFresh(fresh, formatBundle(bundle));
  renameSync(fresh, join(directory, `${name}.pack`));
  console.log(
    `${name} ${version}: installed, signed by a ${trust} key, ${cases} cases hold; sallyport run -p @${name} -- COMMAND`,
  );
}

/** `sallyport policy pack list` */
export function packList(flags: { readonly json?: boolean; readonly state?: string }): void {
  const directory = join(stateDirectory(flags.state, userByUid(process.geteuid!()).home), "packs");
  const installed = namesIn(directory).map((name) => ({
    ...readBundle(join(directory, name)).manifest,
    from: "installed",
  }));
  const shipped = shippedPacks().map((name) => ({
    ...buildBundle(shippedPack(name)!).manifest,
    from: "shipped",
  }));
  const packs = [...installed, ...shipped.filter((one) => !installed.some(({ name }) => name === one.name))];
  if (flags.json) console.log(JSON.stringify(packs));
  else
    for (const { name, version, description, from } of packs)
      console.log(`@${name.padEnd(18)} ${version}  ${from.padEnd(9)} ${description}`);
}

async function load(file: string): Promise<LoadedPack> {
  const { home, uid, name } = userByUid(process.geteuid!());
  const layers = await readLayers({ managed: MANAGED, home, uid, workspace: process.cwd(), agent: name });
  return loadSigned(
    readBundle(file),
    trustedKeys(home, uid),
    layers.filter(({ kind }) => kind === "managed"),
  );
}

function privateKeyOf(file: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(file));
  } catch {
    throw new SallyportError(
      "INVALID",
      `Cannot sign with "${file}": it is no private key in PEM; make one with openssl genpkey -algorithm ed25519`,
    );
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(".pack"))
      .sort();
  } catch {
    // Nothing was installed yet.
    return [];
  }
}
