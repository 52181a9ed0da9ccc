/** `child_process` below `sallyport/register`: parts of Node's own tests of it, beside the same program without a sandbox. */
import { chmodSync, copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";
import { eachUser } from "../support/each_user.ts";
import { KERNEL_PROFILE } from "../support/kernel_profile.ts";
import { execute } from "../support/process.ts";

const REGISTER: string = new URL("../../dist/register/register.js", import.meta.url).pathname;
const ACTS: string = new URL("../support/node_program_acts.cjs", import.meta.url).pathname;

function forbiddenProgram(arena: Arena): string {
  const program = arena.put("outside/program", "");
  copyFileSync("/bin/true", program);
  chmodSync(program, 0o755);
  return program;
}

eachUser((owner) => {
  test("a program sees what it would see without, is told the rule where it is refused, and its programs are on record", async () => {
    using arena = new Arena(owner);
    const acts = arena.put("home/acts.cjs", "");
    copyFileSync(ACTS, acts);
    const forbidden = forbiddenProgram(arena);
    const run = await confined(arena, [process.execPath, "--import", REGISTER, acts, forbidden], {
      flags: ["--read", dirname(process.execPath), "--read", acts],
      profile: arena.put("home/kernel.yaml", KERNEL_PROFILE),
    });
    expect(run.exitCode, run.stderr).toBe(0);

    using plainly = new Arena(owner);
    const plainActs = plainly.put("home/acts.cjs", "");
    copyFileSync(ACTS, plainActs);
    // The control does nothing outside of its own working directory.
    const as =
      owner === process.geteuid!()
        ? []
        : ["setpriv", `--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"];
    const control = await execute([...as, process.execPath, plainActs], { cwd: plainly.workspace });
    expect(control.exitCode, control.stderr).toBe(0);

    const said = run.stdout.trimEnd().split("\n");
    const refused = said.filter((line) => /^(?:forbidden|uncaught)/.test(line));
    expect(said.filter((line) => !refused.includes(line)).join("\n")).toBe(control.stdout.trimEnd());
    expect(control.stdout.split("\n").length).toBeGreaterThan(50);
    expect(refused.length).toBe(7);
    for (const line of refused.slice(0, -1)) {
      expect(line).toContain('"code":"EACCES"');
      expect(line).toContain('"rule":"default-deny","steps":true');
    }
    expect(refused.at(-1)).toBe('uncaught "EACCES" "default-deny"');

    const execs = run.records.filter(({ op }) => op === "exec");
    const refusals = execs.filter(({ kind }) => kind === "deny");
    expect(refusals.map(({ path }) => path)).toEqual(Array.from({ length: 7 }, () => forbidden));
    // Those with a channel, a fourth descriptor or a group of their own are started by the kernel, and those beyond sixteen at a time.
    expect(execs.filter(({ kind }) => kind === "intent").length).toBeGreaterThan(40);
    const killed = run.records.filter(({ op, kind }) => op === "kill" && kind === "intent");
    expect(killed.length).toBeGreaterThan(5);
  }, 60_000);

  test("a program of the broker's has a broker of its own, and no more authority than one of the kernel's", async () => {
    using arena = new Arena(owner);
    const outside = join(arena.outside, "file");
    const body = `
const { spawnSync } = require("child_process");
const way = ["--import", ${JSON.stringify(REGISTER)}, "-e"];
const child = (body, options) => spawnSync(process.execPath, [...way, body], { encoding: "utf8", ...options }).stdout.trim();
const write = (path) => 'try { require("fs").writeFileSync(' + JSON.stringify(path) + ', "x"); console.log("written") } catch (e) { console.log(e.code, e.denial?.rule) }';
for (const options of [{}, { detached: true }]) {
  console.log(child(write("inside"), options), child(write(${JSON.stringify(outside)}), options));
  console.log(child('console.log(require("fs").readFileSync("/proc/self/status", "utf8").match(/NoNewPrivs:.*|Seccomp:.*|CapEff:.*/g).join())', options));
}`;
    const run = await confined(arena, [process.execPath, "--import", REGISTER, "-e", body], {
      flags: ["--read", dirname(process.execPath)],
      profile: arena.put("home/kernel.yaml", KERNEL_PROFILE),
    });
    const [asked, facts, plain, plainFacts] = run.stdout.trim().split("\n");
    expect(asked, run.stderr).toBe("written EACCES default-deny");
    expect(plain).toBe(asked);
    expect(facts).toBe(plainFacts);
    expect(facts).toContain("NoNewPrivs:\t1");
  });
});
