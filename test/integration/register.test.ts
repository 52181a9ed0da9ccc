import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { eachUser } from "../support/each_user.ts";
import { execute } from "../support/process.ts";

const REGISTER: string = new URL("../../dist/register/register.js", import.meta.url).pathname;
const ACTS: string = new URL("../support/node_acts.cjs", import.meta.url).pathname;

function kernelProfile(arena: Arena): string {
  return arena.put(
    "home/kernel.yaml",
    'name: kernel-only\nversion: 1\ndescription: Nothing is trapped\nextends: [":workspace"]\nmediation: kernel\nreads: native\nunixSockets: refused\n',
  );
}

const flags = (agent: string): string[] => ["--read", dirname(process.execPath), "--read", agent];

eachUser((owner) => {
  test("a program sees what it would see without a sandbox, error for error, and the outside stays as it is", async () => {
    using arena = new Arena(owner);
    const acts = arena.put("home/acts.cjs", "");
    copyFileSync(ACTS, acts);
    const before = fingerprint(arena.outside);
    const run = await confined(arena, [process.execPath, "--import", REGISTER, acts, arena.outside], {
      flags: flags(acts),
      profile: kernelProfile(arena),
    });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.report?.mediation).toBe("kernel");
    expect(fingerprint(arena.outside)).toBe(before);

    using plainly = new Arena(owner);
    // The control does nothing outside of its own working directory.
    const as =
      owner === process.geteuid!()
        ? []
        : ["setpriv", `--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"];
    const control = await execute([...as, process.execPath, acts], { cwd: plainly.workspace });
    expect(control.exitCode, control.stderr).toBe(0);
    const said = run.stdout.split("\n").map((line) => line.replaceAll(arena.workspace, plainly.workspace));
    const isOutside = (line: string) =>
      /^(?:callback writeFile: EACCES|outside|up and out|the denial)/.test(line);
    expect(said.filter((line) => !isOutside(line)).join("\n")).toBe(control.stdout);
    const refused = said.filter(isOutside);
    expect(refused.length).toBe(12);
    for (const line of refused.slice(0, -1)) expect(line).toMatch(/: EACCES \| -13 \|/);
    expect(refused.at(-1)).toContain('"rule":"default-deny"');
    expect(refused.at(-1)).toContain("sallyport run --write");
    const denials = run.records.filter(
      ({ kind, path }) => kind === "deny" && path?.startsWith(arena.outside),
    );
    expect(denials.length).toBeGreaterThanOrEqual(12);
  });

  test("without the preload the same floor refuses the same program", async () => {
    using arena = new Arena(owner);
    const body =
      'try { require("fs").writeFileSync("a", "x"); console.log("written"); } catch (e) { console.log(e.code); }';
    const run = await confined(arena, [process.execPath, "-e", body], {
      flags: ["--read", dirname(process.execPath)],
      profile: kernelProfile(arena),
    });
    expect(run.stdout, run.stderr).toBe("EACCES\n");
  });

  test("sockets and names are asked for, and denied with the way to a grant; several processes share what they inherit", async () => {
    using arena = new Arena(owner);
    const app = arena.put(
      "workspace/app.mjs",
      `
import { writeFileSync } from "node:fs";
import net from "node:net";
import { once } from "node:events";
import { fork } from "node:child_process";
const failed = (emitter) => once(emitter, "error").then(([error]) => error.code);
if (process.argv[2] === "child") {
  for (let count = 0; count < 20; count++) writeFileSync("child-" + process.pid + "-" + count, "x");
} else {
  console.log(await failed(net.connect(80, "127.0.0.1")));
  console.log(await failed(net.createServer().listen(8081)));
  console.log(await failed(net.connect(80, "example.org")));
  const children = Array.from({ length: 4 }, () => fork(process.argv[1], ["child"]));
  console.log((await Promise.all(children.map((child) => once(child, "exit").then(([code]) => code)))).join());
}
`,
    );
    const run = await confined(arena, [process.execPath, "--import", REGISTER, app], {
      flags: ["--read", dirname(process.execPath)],
      profile: kernelProfile(arena),
    });
    expect(run.stdout, run.stderr).toMatch(/^EACCES\nEACCES\n(?:EAI_AGAIN|ENOTFOUND)\n0,0,0,0\n$/);
    const denied = run.records.filter(({ kind }) => kind === "deny").map(({ op }) => op);
    for (const op of ["connect", "bind", "resolve"]) expect(denied).toContain(op);
    expect(run.stderr).toContain("--net-allow 127.0.0.1:80");
    const made = run.records.filter(({ kind, path }) => kind === "intent" && path?.includes("/child-"));
    expect(made.length).toBe(80);
  });

  test("in a run that traps, and outside of a run, nothing is changed", async () => {
    using arena = new Arena(owner);
    const body = 'require("fs").writeFileSync("a", "x"); console.log(process.binding("fs").open.name);';
    const run = await confined(arena, [process.execPath, "--import", REGISTER, "-e", body], {
      flags: ["--read", dirname(process.execPath)],
    });
    expect(run.stdout, run.stderr).toBe("open\n");
    const outside = await execute([process.execPath, "--import", REGISTER, "-e", body], {
      cwd: arena.workspace,
    });
    expect(outside.stdout, outside.stderr).toBe("open\n");
  });
});

test("the package names it", async () => {
  const { exports } = (await import("../../package.json", { with: { type: "json" } })).default;
  expect(join("/", exports["./register"].default)).toBe("/dist/register/register.js");
});
