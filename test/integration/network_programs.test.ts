import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Arena, NOBODY } from "../support/arena.ts";
import { Internet, internetObstacle } from "../support/internet.ts";

/** Programs as they are, that fetch what they need from a host that is granted: by the proxy that the environment names, and without. */
let internet: Internet;
const obstacle = internetObstacle();
const HOST = "example.org";
const NPM = "http://example.org/files/npm";

beforeAll(async () => {
  if (obstacle !== "") return;
  internet = await Internet.make();
  makeRepository(internet.files);
  makeRegistry(internet.files);
});
afterAll(() => internet?.[Symbol.dispose]());
test.beforeEach((context) => {
  if (obstacle !== "") context.skip(`skipped: ${obstacle}`);
});

const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
const flags = ["--net-allow", HOST];
const WITHOUT_PROXY =
  "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NODE_USE_ENV_PROXY; ";

/** A bare repository that any web server can serve. */
function makeRepository(files: string): void {
  const [work, bare] = [join(files, "work"), join(files, "repo.git")];
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main", work);
  writeFileSync(join(work, "file"), "from the repository\n");
  git("-C", work, "add", "file");
  git("-C", work, "commit", "-qm", "first");
  git("clone", "-q", "--bare", work, bare);
  git("-C", bare, "update-server-info");
}

/** One package, as a registry has it. */
function makeRegistry(files: string): void {
  const [npm, content] = [join(files, "npm"), join(files, "content/package")];
  mkdirSync(npm, { recursive: true });
  mkdirSync(content, { recursive: true });
  const manifest = { name: "parcel", version: "1.0.0", main: "index.js" };
  writeFileSync(join(content, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(content, "index.js"), 'module.exports = "from the parcel";\n');
  const tarball = join(npm, "parcel-1.0.0.tgz");
  execFileSync("tar", ["-czf", tarball, "-C", dirname(content), "package"]);
  const dist = { tarball: `${NPM}/parcel-1.0.0.tgz`, integrity: integrityOf(tarball) };
  const versions = { "1.0.0": { ...manifest, dist } };
  const described = { name: "parcel", "dist-tags": { latest: "1.0.0" }, versions };
  writeFileSync(join(npm, "parcel"), JSON.stringify(described));
}

function integrityOf(file: string): string {
  return `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
}

function putProject(arena: Arena): void {
  const project = { name: "project", version: "1.0.0", dependencies: { parcel: "1.0.0" } };
  arena.put("workspace/package.json", JSON.stringify(project));
  const locked = {
    version: "1.0.0",
    resolved: `${NPM}/parcel-1.0.0.tgz`,
    integrity: integrityOf(join(internet.files, "npm/parcel-1.0.0.tgz")),
  };
  const packages = { "": project, "node_modules/parcel": locked };
  arena.put(
    "workspace/package-lock.json",
    JSON.stringify({ name: "project", version: "1.0.0", lockfileVersion: 3, requires: true, packages }),
  );
}

for (const [how, before, via] of [
  ["through the proxy", "", "http"],
  ["without a proxy", WITHOUT_PROXY, "transparent"],
] as const) {
  const run = async (arena: Arena, script: string) => {
    const done = await internet.run(arena, ["bash", "-c", `set -e\n${before}${script}`], { env, flags });
    expect(done.exitCode, done.stderr).toBe(0);
    const ways = done.records
      .filter(({ kind, op }) => kind === "intent" && op === "connect")
      .map(({ extra }) => extra?.["via"]);
    expect(ways.length).toBeGreaterThan(0);
    expect(new Set(ways)).toEqual(new Set([via]));
    return done.stdout;
  };

  test(`git clones ${how}`, async () => {
    using arena = new Arena(NOBODY);
    const script = `git clone -q http://${HOST}/files/repo.git clone; cat clone/file; git -C clone fetch -q`;
    expect(await run(arena, script)).toBe("from the repository\n");
  });

  test(`npm ci and npm install ${how}`, async () => {
    using arena = new Arena(NOBODY);
    putProject(arena);
    const npm = `npm --cache "$TMPDIR/cache" --registry ${NPM}/ --no-audit --no-fund --no-update-notifier --loglevel error`;
    const script = [
      `${npm} ci >&2`,
      `node -p 'require("parcel")'`,
      "rm -r node_modules package-lock.json",
      `${npm} install >&2`,
      `node -p 'require("parcel")'`,
    ].join("\n");
    expect(await run(arena, script)).toBe("from the parcel\nfrom the parcel\n");
  });

  test(`curl and python ${how}`, async () => {
    using arena = new Arena(NOBODY);
    const script = [
      `curl -sS -m 20 http://${HOST}/one`,
      `python3 -c 'import urllib.request as u; print(u.urlopen("http://${HOST}/two", timeout=20).read().decode(), end="")'`,
      `curl -sS -m 20 -T ../workspace/up http://${HOST}/three`,
    ].join("\n");
    arena.put("workspace/up", "x".repeat(200_000));
    expect(await run(arena, script)).toBe(`hello from ${HOST}\n`.repeat(3));
  });
}
