import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { layerOf } from "../../src/broker/layers/read_layers.ts";
import {
  type Bundle,
  buildBundle,
  formatBundle,
  parseBundle,
  signBundle,
} from "../../src/broker/packs/bundle.ts";
import {
  loadBundle,
  loadSigned,
  shippedPack,
  shippedPacks,
  type TrustedKey,
  trustedKeys,
} from "../../src/broker/packs/load.ts";
import { lintText } from "../../src/broker/policy_files/lint_file.ts";

const own = generateKeyPairSync("ed25519");
const other = generateKeyPairSync("ed25519");
const TRUSTED: TrustedKey[] = [{ publicKey: own.publicKey, trust: "user", file: "own.pem" }];
const built = buildBundle(shippedPack("developer")!);
const signed = signBundle(built, own.privateKey);
const again = (bundle: Bundle): Bundle => parseBundle(formatBundle(bundle), "it");

/** A pack with one file changed and everything made anew, as its author would. */
function withFile(name: string, change: (text: string) => string): Bundle {
  const directory = mkdtempSync(join(tmpdir(), "pack-"));
  try {
    for (const [file, text] of Object.entries(built.files))
      writeFileSync(join(directory, file), file === name ? change(text) : text);
    writeFileSync(
      join(directory, "pack.yaml"),
      'pack: 1\nname: developer\nversion: "1.0.0"\ndescription: A pack\n',
    );
    return signBundle(buildBundle(directory), own.privateKey);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe("a signed pack", () => {
  it("loads", () => {
    expect(loadSigned(again(signed), TRUSTED, [])).toMatchObject({
      trust: "user",
      cases: 14,
      profile: { name: "developer" },
    });
  });

  test.each<[string, () => Bundle, RegExp]>([
    ["is not signed", () => again(built), /it is not signed/],
    ["is signed by somebody else", () => again(signBundle(built, other.privateKey)), /no trusted key/],
    [
      "is signed by somebody else who names a trusted key",
      () =>
        again({
          ...signBundle(built, other.privateKey),
          signature: { ...signBundle(built, other.privateKey).signature!, key: signed.signature!.key },
        }),
      /no trusted key/,
    ],
    [
      "has another manifest than was signed",
      () => again({ ...signed, manifest: { ...signed.manifest, version: "1.0.1" } }),
      /no trusted key/,
    ],
    [
      "has a signature in another form of base64",
      () => again({ ...signed, signature: { ...signed.signature!, value: ` ${signed.signature!.value}` } }),
      /no trusted key/,
    ],
    [
      "has a file that was changed",
      () =>
        again({
          ...signed,
          files: { ...signed.files, "profile.yaml": `${signed.files["profile.yaml"]}# more\n` },
        }),
      /profile\.yaml is not what its manifest says/,
    ],
    [
      "has a file more",
      () => again({ ...signed, files: { ...signed.files, "policy.cedar": "" } }),
      /not those of its manifest/,
    ],
    [
      "has a file less",
      () => again({ ...signed, files: { "profile.yaml": signed.files["profile.yaml"]! } }),
      /not those of its manifest/,
    ],
    [
      "holds something else",
      () => parseBundle(formatBundle(signed).replace("{", '{"more":1,'), "it"),
      /other fields/,
    ],
    [
      "fails its own tests",
      () => again(withFile("profile.yaml", (text) => text.replace(/ *- github\.com:443\n/, ""))),
      /cases\[3\] connect github\.com: is deny, expected allow/,
    ],
    ["has no tests", () => again(withFile("cases.yaml", () => "cases: []\n")), /no list of cases/],
    [
      "takes a deny rule out",
      () => again(withFile("profile.yaml", (text) => `${text}without: [secrets.browsers]\n`)),
      /secrets\.browsers out/,
    ],
    [
      "has a prompt that rewrites the screen",
      () => again(withFile("prompts.yaml", () => 'publish: "Publish \\u202e?"\n')),
      /does not print/,
    ],
    [
      "takes the name of a built-in profile",
      () => again(withFile("profile.yaml", (text) => text.replace("name: developer", 'name: ":workspace"'))),
      /no name of its own/,
    ],
    [
      "is of a later format",
      () => parseBundle(formatBundle(signed).replace('"pack":1', '"pack":2'), "it"),
      /write pack: 1/,
    ],
  ])("is refused when it %s", (_, make, message) => {
    expect(() => loadSigned(make(), TRUSTED, [])).toThrow(message);
  });

  it("is refused beyond the ceiling of the administrator", async () => {
    const text =
      "layer: managed\nversion: 1\ndescription: A layer\nnetwork: { allow: [registry.npmjs.org] }\n";
    const managed = await layerOf("managed", "/etc/sallyport/policy.d/10.yaml", text);
    expect(() => loadSigned(again(signed), TRUSTED, [managed])).toThrow(
      /grants the host pypi\.org:443, which \/etc\/sallyport/,
    );
  });

  it.runIf(process.geteuid!() === 0)("trusts no file that holds a private key", () => {
    const home = mkdtempSync(join("/root", ".sallyport-test-"));
    try {
      mkdirSync(join(home, ".config/sallyport/trusted-keys"), { recursive: true, mode: 0o755 });
      writeFileSync(
        join(home, ".config/sallyport/trusted-keys/a.pem"),
        own.privateKey.export({ type: "pkcs8", format: "pem" }),
        { mode: 0o600 },
      );
      expect(() => trustedKeys(home, process.geteuid!())).toThrow(/no public key/);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

describe("the packs that come with Sallyport", () => {
  it.each(shippedPacks())("%s: its tests hold, and lint finds nothing", (name) => {
    const bundle = buildBundle(shippedPack(name)!);
    expect(loadBundle(bundle, "shipped", []).cases).toBeGreaterThanOrEqual(8);
    expect(lintText("profile.yaml", bundle.files["profile.yaml"]!)).toEqual([]);
  });

  it("are five", () => {
    expect(shippedPacks()).toEqual(["ci", "developer", "finance-readonly", "healthcare", "office-documents"]);
  });
});
