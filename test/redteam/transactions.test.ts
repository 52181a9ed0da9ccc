import { existsSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { type Attribute, attributesOf } from "../../src/platform/staging.ts";
import { Arena, fingerprint, NOBODY } from "../support/arena.ts";
import { confined, sallyport, unprivilegedObstacle } from "../support/confined.ts";
import { treeSnapshot } from "../support/tree_snapshot.ts";

const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;

type Said = {
  readonly name: string;
  readonly ok: boolean;
  readonly code?: string;
  readonly errno?: string;
  readonly rule?: string;
};

const program = (body: string): string => `
import fs from "node:fs";
import { connect } from ${JSON.stringify(CLIENT)};
const [outside, workspace] = process.argv.slice(2);
const client = await connect();
const attempt = async (name, way) => {
  try {
    await way();
    console.log(JSON.stringify({ name, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, code: error.code, errno: error.errno, rule: error.denial?.rule ?? "" }));
  }
};
${body}
client.close();
`;

async function ask(arena: Arena, body: string, options: { profile?: string } = {}) {
  const agent = arena.put("home/agent.mjs", program(body));
  const command = [process.execPath, agent, arena.outside, arena.workspace];
  const flags = ["--read", dirname(process.execPath), "--read", agent];
  const run = await confined(arena, command, { flags, ...options });
  expect(run.exitCode, run.stderr).toBe(0);
  const said = run.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Said);
  return { run, said, id: run.report?.run ?? "" };
}

function limitedProfile(arena: Arena, limits: string): string {
  return arena.put(
    "home/limited.yaml",
    `name: limited\nversion: 1\ndescription: Limited\nextends: [":workspace"]\nfileLimits: ${limits}\n`,
  );
}

describe.each([
  ["root", undefined],
  ["nobody", NOBODY],
] as const)("as %s", (who, owner) => {
  beforeEach((context) => {
    const obstacle = who === "nobody" ? unprivilegedObstacle() : "";
    if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
  });

  test("a file is replaced as a whole with its mode and attributes, a new one appears, and both are put back", async () => {
    using arena = new Arena(owner);
    const old = arena.put("workspace/old", "old\n", 0o640);
    binding.fsSetxattr(old, "user.tag", Buffer.from("kept"), 0);
    const before = treeSnapshot(arena.workspace);
    const { said, id } = await ask(
      arena,
      `
await attempt("replace", async () => {
  const write = await client.begin("old");
  await write.file.write("new\\n");
  if (fs.readFileSync("old", "utf8") !== "old\\n" || fs.readdirSync(".").length !== 1) throw new Error("seen too early");
  await write.commit();
  if (fs.readFileSync("old", "utf8") !== "new\\n") throw new Error("not there");
});
await attempt("make", () => client.writeFile("new", "fresh\\n", { policy: "transactional" }));
await attempt("twice", () => client.writeFile("new", "again\\n", { policy: "transactional" }));
await attempt("discard", async () => { const write = await client.begin("never"); await write.file.write("x"); await write.discard(); });
await attempt("leave open", () => client.begin("never"));
`,
    );
    expect(said.filter(({ ok }) => !ok)).toEqual([]);
    expect(readdirSync(arena.workspace).sort()).toEqual(["new", "old"]);
    expect(readFileSync(join(arena.workspace, "new"), "utf8")).toBe("again\n");
    expect(lstatSync(old).mode & 0o777).toBe(0o640);
    const [attribute] = attributesOf(old) as readonly Attribute[];
    expect(Buffer.from(attribute![1]).toString()).toBe("kept");
    const restored = await sallyport(arena, ["undo", "restore", id, "--state", arena.state]);
    expect(restored.exitCode, restored.stdout + restored.stderr).toBe(0);
    expect(treeSnapshot(arena.workspace)).toEqual(before);
  });

  test("limits are looked at in what is committed, and nothing of a breach is ever seen", async () => {
    using arena = new Arena(owner);
    arena.put("workspace/old", "old\n");
    const before = treeSnapshot(arena.workspace);
    const profile = limitedProfile(arena, "{ maxBytes: 1000000, mimeTypes: [text/plain], maxFiles: 2 }");
    const { run, said } = await ask(
      arena,
      `
const bad = new Uint8Array(10);
await attempt("type", () => client.writeFile("old", bad, { policy: "transactional" }));
await attempt("size", () => client.writeFile("old", "x".repeat(1000001), { policy: "transactional" }));
await attempt("one", () => client.writeFile("one", "x", { policy: "transactional" }));
await attempt("two", () => client.writeFile("two", "x", { policy: "transactional" }));
await attempt("three", () => client.writeFile("three", "x", { policy: "transactional" }));
await attempt("replace", () => client.writeFile("old", "new", { policy: "transactional" }));
`,
      { profile },
    );
    expect(said.map(({ name, ok, rule }) => [name, ok, rule ?? ""])).toEqual([
      ["type", false, "files.mime-type"],
      ["size", false, ""],
      ["one", true, ""],
      ["two", true, ""],
      ["three", false, "files.max-files"],
      ["replace", false, "files.max-files"],
    ]);
    // The kernel had refused the write itself.
    expect(said[1]?.code).toBe("EFBIG");
    expect(run.records.filter(({ kind, rule }) => kind === "deny" && rule?.startsWith("files.")).length).toBe(
      3,
    );
    expect(readdirSync(arena.workspace).sort()).toEqual(["old", "one", "two"]);
    expect(treeSnapshot(arena.workspace).find((line) => line.startsWith("./old"))).toBe(
      before.find((line) => line.startsWith("./old")),
    );
  });

  test("nothing can be written to a file after it was looked at: kept descriptors, mappings and children are told of", async () => {
    using arena = new Arena(owner);
    const profile = limitedProfile(arena, "{ mimeTypes: [text/plain] }");
    const { said } = await ask(
      arena,
      `
import { spawn, execFileSync } from "node:child_process";
const begun = await client.begin("f");
fs.writeSync(begun.file.fd, "text");
const again = fs.openSync("/proc/self/fd/" + begun.file.fd, "r+");
await attempt("second descriptor", () => begun.commit());
fs.closeSync(again);
await attempt("closed", () => begun.commit());

const other = await client.begin("g");
fs.writeSync(other.file.fd, "text");
const child = spawn("/usr/bin/sleep", ["60"], { stdio: ["ignore", other.file.fd, "ignore"] });
await new Promise((resolve) => child.on("spawn", resolve));
await attempt("child", () => other.commit());
child.kill();
await new Promise((resolve) => child.on("exit", resolve));
await attempt("child gone", () => other.commit());

const mapped = await client.begin("m");
fs.writeSync(mapped.file.fd, "text".repeat(1024));
const python = spawn("/usr/bin/python3", ["-c", "import mmap,os,sys,time\\nm = mmap.mmap(1, 4096); os.close(1)\\nsys.stderr.write('ready'); sys.stderr.flush()\\nsys.stdin.read(1); m[:4] = b'\\\\0\\\\0\\\\0\\\\0'"], { stdio: ["pipe", mapped.file.fd, "pipe"] });
await new Promise((resolve) => python.stderr.once("data", resolve));
await attempt("mapping", () => mapped.commit());
python.stdin.end("x");
await new Promise((resolve) => python.on("exit", resolve));
await attempt("mapping gone", () => mapped.commit());
`,
      { profile },
    );
    expect(said.map(({ name, ok, errno, rule }) => [name, ok, errno ?? "", rule ?? ""])).toEqual([
      ["second descriptor", false, "EBUSY", ""],
      ["closed", true, "", ""],
      ["child", false, "EBUSY", ""],
      ["child gone", true, "", ""],
      ["mapping", false, "EBUSY", ""],
      ["mapping gone", false, "EACCES", "files.mime-type"],
    ]);
    expect(readdirSync(arena.workspace).sort()).toEqual(["f", "g"]);
  });

  test("a commit is judged when it is made, and goes where the name leads then", async () => {
    using arena = new Arena(owner);
    arena.put("workspace/d/file", "inside\n");
    arena.put("workspace/changed", "old\n");
    arena.put("workspace/linked", "old\n");
    linkSync(join(arena.workspace, "linked"), join(arena.workspace, "second"));
    mkdirSync(join(arena.workspace, "other"));
    arena.put("workspace/.git/config", "[core]\n");
    arena.put("workspace/.git/hooks/sample", "");
    symlinkSync(arena.outside, join(arena.workspace, "way"));
    symlinkSync("changed", join(arena.workspace, "link"));
    const before = fingerprint(arena.outside);
    const { said } = await ask(
      arena,
      `
await attempt("outside", () => client.begin(outside + "/file"));
await attempt("through a link", () => client.begin("way/file"));
await attempt("secret", () => client.begin(".env"));
await attempt("hook", () => client.begin(".git/hooks/pre-commit"));
await attempt("git configuration", () => client.begin(".git/config"));
await attempt("several names", () => client.begin("linked"));
await attempt("directory", () => client.begin("d"));

const swapped = await client.begin("d/file");
await swapped.file.write("escaped");
fs.renameSync("d", "moved");
fs.symlinkSync(outside, "d");
await attempt("parent swapped", () => swapped.commit());
fs.unlinkSync("d");
fs.renameSync("other", "d");
await attempt("another parent", () => swapped.commit());

const stale = await client.begin("changed");
await stale.file.write("mine");
fs.writeFileSync("changed", "somebody else's");
await attempt("changed meanwhile", () => stale.commit());
await attempt("over", () => stale.commit());

const appeared = await client.begin("appeared");
fs.writeFileSync("appeared", "first");
await attempt("appeared meanwhile", () => appeared.commit());

const followed = await client.begin("link");
await followed.file.write("through the link");
await attempt("link inside", () => followed.commit());
`,
    );
    expect(fingerprint(arena.outside)).toBe(before);
    expect(said.map(({ name, ok, errno }) => [name, ok ? "" : errno])).toEqual([
      ["outside", "EACCES"],
      ["through a link", "EACCES"],
      ["secret", "EACCES"],
      ["hook", "EACCES"],
      ["git configuration", "EACCES"],
      ["several names", "EMLINK"],
      ["directory", "EISDIR"],
      ["parent swapped", "EACCES"],
      ["another parent", "ESTALE"],
      ["changed meanwhile", "ESTALE"],
      ["over", "EINVAL"],
      ["appeared meanwhile", "ESTALE"],
      ["link inside", ""],
    ]);
    const at = (name: string): string => join(arena.workspace, name);
    expect(readFileSync(at("changed"), "utf8")).toBe("through the link");
    expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(at("moved/file"), "utf8")).toBe("inside\n");
    expect(existsSync(at("d/file"))).toBe(false);
    expect(readdirSync(arena.workspace).some((name) => name.startsWith(".sallyport"))).toBe(false);
  });
});
