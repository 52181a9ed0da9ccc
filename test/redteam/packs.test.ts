import { generateKeyPairSync } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { startCedar } from "../../src/broker/cedar/slow_path.ts";
import { layeredProfile } from "../../src/broker/layers/bind.ts";
import { layerOf } from "../../src/broker/layers/read_layers.ts";
import {
  type Bundle,
  buildBundle,
  formatBundle,
  parseBundle,
  signBundle,
  signedDirectory,
} from "../../src/broker/packs/bundle.ts";
import {
  loadBundle,
  loadSigned,
  releaseKey,
  shippedPack,
  shippedPacks,
  type TrustedKey,
  trustedKeys,
} from "../../src/broker/packs/load.ts";
import { lintText } from "../../src/broker/policy_files/lint_file.ts";
import { Arena } from "../support/arena.ts";
import { rootObstacle, skipFor } from "../support/needs.ts";

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

  it("trusts no file that holds a private key", (context) => {
    skipFor(rootObstacle(), context);
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

describe("the Cedar policies of a pack", () => {
  const FORBID =
    '@id("no-crates")\nforbid(principal, action == Action::"connect", resource) when { resource.name like "*.crates.io" };\n';
  const NIGHT =
    '@id("day") permit(principal, action == Action::"connect", resource) when { context.minuteOfDay < 1080 };\n';
  const more = (cases: string) => (text: string) => `${text.trimEnd()}\n${cases}`;
  const withCedar = (cedar: string, cases = "", profile = (text: string) => text): Bundle => {
    const directory = mkdtempSync(join(tmpdir(), "pack-"));
    try {
      cpSync(shippedPack("developer")!, directory, { recursive: true });
      writeFileSync(join(directory, "policy.cedar"), cedar);
      const edit = (name: string, change: (text: string) => string) =>
        writeFileSync(join(directory, name), change(readFileSync(join(directory, name), "utf8")));
      edit("cases.yaml", more(cases));
      edit("profile.yaml", profile);
      return again(signBundle(buildBundle(directory), own.privateKey));
    } finally {
      rmSync(directory, { recursive: true });
    }
  };

  it("hold as those of a profile do, in its cases and in its runs", async () => {
    const cases =
      "  - { op: connect, host: index.crates.io, expect: deny, rule: policy.no-crates }\n  - { op: connect, host: pypi.org, minuteOfDay: 1079, expect: allow }\n  - { op: connect, host: pypi.org, minuteOfDay: 1080, expect: deny, rule: policy.no-permit }\n";
    const { profile } = loadSigned(withCedar(FORBID + NIGHT, cases), TRUSTED, []);
    using arena = new Arena();
    const here = {
      workspace: arena.workspace,
      home: arena.home,
      uid: process.geteuid!(),
      state: arena.state,
    };
    const { layers } = await layeredProfile({ profile }, here);
    const cedar = startCedar(layers, { agent: "a", run: "r", uid: 0, nowMs: () => 0 });
    expect(cedar!.connect("index.crates.io", 443)).toMatchObject({
      id: "policy.no-crates",
      reason: expect.stringContaining("@developer/policy.cedar:1"),
    });
    expect(cedar!.connect("pypi.org", 443)).toBeNull();
  });

  it.each<[string, () => Bundle, RegExp]>([
    [
      "are no policies",
      () => withCedar("permit"),
      /Cannot use the Cedar policies of "@developer\/policy\.cedar"/,
    ],
    [
      "refuse what a case expects",
      () =>
        withCedar('forbid(principal, action == Action::"connect", resource) when { resource.port == 443 };'),
      /connect github\.com: is deny, expected allow/,
    ],
    [
      "are named by its profile",
      () => withCedar(FORBID, "", (text) => `${text}cedar: other.cedar\n`),
      /names cedar; the policies of a pack are its policy\.cedar/,
    ],
  ])("refuse the pack where they %s", (_, make, problem) => {
    expect(() => loadSigned(make(), TRUSTED, [])).toThrow(problem);
  });
});

describe("the packs that come with Sallyport", () => {
  it.each(shippedPacks())("%s: its tests hold, and lint finds nothing", (name) => {
    const bundle = buildBundle(shippedPack(name)!);
    expect(loadBundle(bundle, "shipped", []).cases).toBeGreaterThanOrEqual(8);
    expect(lintText("profile.yaml", bundle.files["profile.yaml"]!)).toEqual([]);
  });

  it.each(shippedPacks())("%s: is signed by the key that stands in the source", (name) => {
    const loaded = loadSigned(signedDirectory(shippedPack(name)!), [releaseKey()], []);
    expect(loaded).toMatchObject({ trust: "shipped", profile: { name, pack: "shipped" } });
  });

  it.each([
    [
      "a rule was put in",
      (place: string) => appendFileSync(join(place, "profile.yaml"), "# more\n"),
      /it was changed since/,
    ],
    [
      "policies were put beside it",
      (place: string) => writeFileSync(join(place, "policy.cedar"), ""),
      /it was changed since/,
    ],
    [
      "somebody else has signed it",
      (place: string) => {
        const { signature } = signBundle(buildBundle(place), other.privateKey);
        writeFileSync(join(place, "signature.json"), JSON.stringify(signature));
      },
      /no trusted key has signed it/,
    ],
    [
      "its signature is gone",
      (place: string) => rmSync(join(place, "signature.json")),
      /can not be read: ENOENT/,
    ],
    [
      "its signature is none",
      (place: string) => writeFileSync(join(place, "signature.json"), '{"key":"a"}'),
      /has no key and value/,
    ],
  ])("are refused where %s", (_, change, problem) => {
    const place = mkdtempSync(join(tmpdir(), "pack-"));
    try {
      cpSync(shippedPack("ci")!, place, { recursive: true });
      change(place);
      expect(() => loadSigned(signedDirectory(place), [releaseKey()], [])).toThrow(problem);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it("bring no private key along", () => {
    const root = join(import.meta.dirname, "../../profiles");
    const names = readdirSync(root, { recursive: true, encoding: "utf8" });
    const texts = names
      .filter((name) => /\.\w+$/.test(name))
      .map((name) => readFileSync(join(root, name), "utf8"));
    expect(texts.length).toBeGreaterThan(30);
    expect(texts.filter((text) => text.includes("PRIVATE KEY-----"))).toEqual([]);
  });

  it("are five", () => {
    expect(shippedPacks()).toEqual(["ci", "developer", "finance-readonly", "healthcare", "office-documents"]);
  });
});
