import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { type LayerPlaces, readLayers } from "../../src/broker/layers/read_layers.ts";
import { Arena } from "../support/arena.ts";
import { confined, sallyport } from "../support/confined.ts";
import { needs, rootObstacle } from "../support/needs.ts";

const LAYER = (kind: string, rules: string): string =>
  `layer: ${kind}\nversion: 1\ndescription: A layer\nrules:\n${rules}`;
const ONLY_SRC = LAYER(
  "project",
  '  - id: sources\n    effect: allow\n    rights: [write, create, delete, metadata]\n    paths: ["${workspace}/src", "${workspace}/src/**", "${workspace}/out", "${workspace}/out/free/**"]\n    reason: Work\n',
);

describe("a project layer", () => {
  it("holds against its own run, which can not change it", async () => {
    using arena = new Arena();
    arena.put("workspace/src/a", "a\n");
    const file = arena.put("workspace/.sallyport/policy.yaml", ONLY_SRC);
    const script =
      "echo b > src/b && ! echo c > c && ! echo >> .sallyport/policy.yaml && ! rm .sallyport/policy.yaml && ! mv .sallyport gone && ! mkdir src/.sallyport && cat src/a";
    const run = await confined(arena, ["bash", "-c", script]);
    expect(run.stdout, run.stderr).toBe("a\n");
    const rules = run.report!.denied.map(({ rule }) => rule);
    expect(new Set(rules)).toEqual(new Set(["project.ceiling", "protected.policy"]));
    expect(run.report!.denied.find(({ rule }) => rule === "project.ceiling")!.reason).toContain(`${file}:5`);
    const start = run.records.find(({ kind }) => kind === "run.start");
    expect(start!.extra!["layers"]).toMatch(/^project .*\/policy\.yaml sha256:[0-9a-f]{64}$/);
  });

  it("is not got round by renaming a directory whose content it denies", async () => {
    using arena = new Arena();
    arena.put("workspace/out/locked/file", "kept\n");
    arena.put("workspace/out/free/keep", "");
    const open = ONLY_SRC.replace('"${workspace}/out"', '"${workspace}/out/locked"');
    arena.put("workspace/.sallyport/policy.yaml", open);
    const run = await confined(arena, [
      "bash",
      "-c",
      "! mv out/locked out/free/here && ! echo changed > out/locked/file && cat out/locked/file",
    ]);
    expect(run.stdout, run.stderr).toBe("kept\n");
  });

  it("can not grant what is not granted above it", async () => {
    using arena = new Arena();
    arena.put("workspace/.sallyport/policy.yaml", ONLY_SRC.replace('"${workspace}/src"', "/etc"));
    const run = await confined(arena, ["true"]);
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(/policy\.yaml:8:13: grants write on \/etc, which profile :workspace does not/);
  });

  it.each([
    [
      "a symbolic link in its place",
      (arena: Arena) => symlinkSync(arena.outside, join(arena.workspace, ".sallyport")),
    ],
    [
      "a file that is a link",
      (arena: Arena) => {
        mkdirSync(join(arena.workspace, ".sallyport"));
        symlinkSync(arena.put("elsewhere.yaml", ONLY_SRC), join(arena.workspace, ".sallyport/policy.yaml"));
      },
    ],
    [
      "a file that is not understood",
      (arena: Arena) => void arena.put("workspace/.sallyport/policy.yaml", "rules: everything\n"),
    ],
    [
      "aliases of YAML",
      (arena: Arena) => void arena.put("workspace/.sallyport/policy.yaml", `${ONLY_SRC}x: &a [1]\ny: *a\n`),
    ],
  ])("refuses the run for %s", async (_, plant) => {
    using arena = new Arena();
    plant(arena);
    const run = await confined(arena, ["true"]);
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(/sallyport: Cannot use (?:the policy in|a policy layer)/);
  });

  it("is what why answers by", async () => {
    using arena = new Arena();
    arena.put("workspace/.sallyport/policy.yaml", ONLY_SRC);
    const why = await sallyport(arena, ["why", "--op", "write", "--path", "c"]);
    expect(why.exitCode).toBe(1);
    expect(why.stdout).toMatch(/\(rule project\.ceiling\)[\s\S]*written in: .*\.sallyport\/policy\.yaml:\d+/);
  });
});

describe("a managed layer", () => {
  needs(rootObstacle());
  let base = "";
  const places = (): LayerPlaces => ({
    managed: [...base.split("/").slice(1), "policy.d"],
    home: base,
    uid: 0,
    workspace: base,
    agent: "writer",
  });
  const MANAGED = LAYER(
    "managed",
    "  - id: a\n    effect: deny\n    rights: [read]\n    paths: [/srv/a]\n    reason: Why\n",
  );

  beforeEach(() => {
    // Not below /tmp, which everybody may write.
    base = mkdtempSync("/root/.sallyport-test-");
    mkdirSync(join(base, "policy.d"), { mode: 0o755 });
    writeFileSync(join(base, "policy.d/10.yaml"), MANAGED, { mode: 0o644 });
  });
  afterEach(() => rmSync(base, { recursive: true }));

  test("is read where root alone may write", async () => {
    expect((await readLayers(places())).map(({ kind }) => kind)).toEqual(["managed"]);
  });

  test.each([
    [
      "a directory that others may write",
      () => chmodSync(join(base, "policy.d"), 0o777),
      /others may write it/,
    ],
    ["a directory above it that others may write", () => chmodSync(base, 0o722), /others may write it/],
    [
      "a file that others may write",
      () => chmodSync(join(base, "policy.d/10.yaml"), 0o646),
      /others may write it/,
    ],
    [
      "a file with a second name",
      () => linkSync(join(base, "policy.d/10.yaml"), join(base, "other")),
      /more than one name/,
    ],
    ["a symbolic link", () => symlinkSync("10.yaml", join(base, "policy.d/20.yaml")), /symbolic link/],
    [
      "a layer that would not be read",
      () => writeFileSync(join(base, "policy.d/20.yml"), MANAGED),
      /end with \.yaml/,
    ],
  ])("refuses the run for %s", async (_, plant, message) => {
    plant();
    await expect(readLayers(places())).rejects.toThrow(message);
  });
});
