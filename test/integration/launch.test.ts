import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import {
  type Harness,
  isAlive,
  isLaunched,
  launcherProgram,
  notifyFilter,
  startHarness,
  until,
} from "../support/launch.ts";
import { rootObstacle, skipFor } from "../support/needs.ts";

const { ENOENT, EACCES, EINVAL, ENOTTY, ECHILD, ESRCH } = constants.errno;
const { SIGTERM, SIGKILL } = constants.signals;
const isRoot = process.getuid?.() === 0;
const getpriority = 140;
const infinity = -1;

let run: Harness;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-launch-"));
});
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
  run = startHarness();
});
afterEach(() => run.close());

describe("a launched program", () => {
  it("reports its exit code", async () => {
    expect((await run.sh("exit 7")).code).toBe(7);
  });

  it("reports the signal that killed it", async () => {
    expect((await run.sh("kill -9 $$")).code).toBe(-SIGKILL);
  });

  it("gets argv, environment and working directory as given, and nothing else", async () => {
    const { out } = await run.sh('printf "%s|" "$0" "$@"; pwd; env', {
      argv: ["sh", "-c", 'printf "%s|" "$0" "$@"; pwd; cat /proc/self/environ', "zero", "ä b", ""],
      env: ["ONE=1", "TWO=zwei"],
      cwd: directory,
    });
    expect(out.startsWith(`zero|ä b||${directory}\n`)).toBe(true);
    expect(out.split("\n")[1]!.split("\0")).toEqual(expect.arrayContaining(["ONE=1", "TWO=zwei"]));
    expect(out).not.toContain("HOME=");
  });

  it("holds its stdio and no other descriptor", async () => {
    const { out } = await run.sh("exec ls /proc/self/fd");
    expect(out.trim().split(/\s+/)).toEqual(["0", "1", "2", "3"]); // 3 is the directory ls reads
  });

  it("gets the channel as descriptor 3", async () => {
    const channel = openSync(join(directory, "channel"), "w");
    const { out } = await run.sh("readlink /proc/self/fd/3; exec ls /proc/self/fd", { channelFd: channel });
    closeSync(channel);
    expect(out.trim().split(/\s+/)).toEqual([join(directory, "channel"), "0", "1", "2", "3", "4"]);
  });

  it("leads a session without a terminal", async () => {
    const { out } = await run.sh("cut -d' ' -f1,5,6,7 /proc/$$/stat");
    const [pid, group, session, terminal] = out.trim().split(" ");
    expect([group, session, terminal]).toEqual([pid, pid, "0"]);
  });

  it("gets the terminal it was given as its controlling terminal", async () => {
    const [master, slave] = binding.openPty();
    const { out } = await run.sh("exec 2>&-; if exec 9<>/dev/tty; then echo tty; fi", {
      stdio: [slave, openSync(join(directory, "tty-out"), "w+"), slave],
      terminalIndex: 0,
    });
    expect(out).toBe("");
    expect(readFileSync(join(directory, "tty-out"), "utf8")).toBe("tty\n");
    closeSync(master);
    closeSync(slave);
  });

  it("has umask, resource limits and affinity as given", async () => {
    const { out } = await run.sh(
      "umask; ulimit -n; ulimit -Hn; ulimit -Sc; grep Cpus_allowed_list /proc/self/status",
      {
        umask: 0o77,
        rlimits: [
          [7, 50, 60],
          [4, 0, infinity],
        ],
        cpus: [0],
      },
    );
    expect(out.split(/\s+/).slice(0, 6)).toEqual(["0077", "50", "60", "0", "Cpus_allowed_list:", "0"]);
  });

  it("has no Linux capability, as root neither, and can gain none", async () => {
    const { out } = await run.sh("cat /proc/self/status");
    const sets = [...out.matchAll(/^Cap(\w+):\s+(\w+)$/gm)].map(([, set, bits]) => [
      set,
      BigInt(`0x${bits}`),
    ]);
    expect(sets.map(([set]) => set)).toEqual(["Inh", "Prm", "Eff", "Bnd", "Amb"]);
    if (isRoot) expect(sets.every(([, bits]) => bits === 0n)).toBe(true);
    expect(out).toMatch(/^NoNewPrivs:\s+1$/m);
  });

  it("keeps the capabilities asked for across a switch of user", async (context) => {
    skipFor(rootObstacle(), context);
    const { out } = await run.sh("cat /proc/self/status", {
      user: { uid: 12345, gid: 12346, groups: [5, 6] },
      keepCapabilities: [10, 38],
    });
    const kept = ((1n << 10n) | (1n << 38n)).toString(16).padStart(16, "0");
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
      expect(out).toMatch(new RegExp(`^Cap${set}:\\s+${kept}$`, "m"));
    expect(out).toMatch(/^Uid:\s+12345\s+12345\s+12345\s+12345$/m);
    expect(out).toMatch(/^Gid:\s+12346\s+12346\s+12346\s+12346$/m);
    expect(out).toMatch(/^Groups:\s+5 6\s*$/m);
  });

  it("starts with no signal blocked or ignored", async () => {
    const { out } = await run.sh("exec cat /proc/self/status");
    for (const set of ["SigBlk", "SigIgn"]) expect(out).toMatch(new RegExp(`^${set}:\\s+0{16}$`, "m"));
  });

  it("may be a script", async () => {
    const script = join(directory, "script");
    writeFileSync(script, "#!/bin/sh\nexit 9\n", { mode: 0o755 });
    const result = await run.launch({ path: script, argv: ["script"] });
    expect(isLaunched(result) && (await run.exit(result.pid))).toBe(9);
  });

  it("takes signals by pid and by group, and no other process does", async () => {
    const result = await run.launch({ path: "/bin/sleep", argv: ["sleep", "1000"] });
    if (!isLaunched(result)) throw new Error(result.stage);
    expect(run.launcher.signal(process.pid, 0)).toBe(-ESRCH);
    expect(run.launcher.signal(-result.pid, SIGTERM)).toBe(0);
    expect(await run.exit(result.pid)).toBe(-SIGTERM);
    expect(run.launcher.signal(result.pid, SIGTERM)).toBe(-ESRCH);
  });
});

describe("a launch that fails", () => {
  it.each([
    ["exec", ENOENT, { path: "/does/not/exist" }],
    ["exec", EACCES, { path: "/etc/passwd" }],
    ["directory", ENOENT, { cwd: "/does/not/exist" }],
    ["terminal", ENOTTY, { terminalIndex: 0 }],
    ["affinity", EINVAL, { cpus: [8000] }],
    ["rlimits", EINVAL, { rlimits: [[7, 2, 1] as const] }],
    ["seccomp", EINVAL, { filter: new Uint8Array(8) }],
    ["seccomp-stub", EINVAL, { stubFilter: new Uint8Array(8) }],
    ["capabilities", EINVAL, { keepCapabilities: [63] }],
  ])("names stage %s and errno %i", async (stage, errno, spec) => {
    expect(await run.launch(spec)).toMatchObject({ stage, errno });
  });

  it("does not disturb the next one", async () => {
    await run.launch({ path: "/does/not/exist", filter: notifyFilter(getpriority), listener: "notify" });
    expect((await run.sh("exit 3")).code).toBe(3);
  });

  it("throws a TypeError for a spec that is none", () => {
    // @ts-expect-error a port from JavaScript
    expect(() => run.launcher.launch({ path: 1 }, () => {})).toThrow(TypeError);
  });
});

describe("a filter", () => {
  it("comes with its listener, whose end is the end of the filter's tasks", async () => {
    const result = await run.launch({ filter: notifyFilter(getpriority), listener: "notify" });
    if (!isLaunched(result)) throw new Error(result.stage);
    expect(readlinkSync(`/proc/self/fd/${result.listenerFd}`)).toBe("anon_inode:seccomp notify");
    expect(readFileSync(`/proc/self/fdinfo/${result.listenerFd}`, "utf8")).toMatch(/flags:\s+02004\d\d\d/);
    closeSync(result.listenerFd);
    expect(await run.exit(result.pid)).toBe(0);
  });

  it("is installed without one when none is asked for", async () => {
    const { out } = await run.sh("grep Seccomp /proc/self/status", {
      filter: notifyFilter(),
      stubFilter: notifyFilter(),
    });
    expect(out).toMatch(/^Seccomp:\s+2\nSeccomp_filters:\s+2$/m);
  });
});

describe("the end of a run", () => {
  it("comes at once when nothing is left", async () => {
    expect((await run.sh("exit 0")).code).toBe(0);
    run.launcher.end(1000);
    expect(await run.ended).toBe(0);
  });

  it("reaches what ignores SIGTERM and has left the session", async () => {
    const { out } = await run.sh("trap '' TERM; setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null & echo $!");
    run.launcher.end(50);
    expect(await run.ended).toBeGreaterThan(0);
    expect(isAlive(Number(out))).toBe(false);
  });

  it("ends what is stopped", async () => {
    const { out } = await run.sh("sleep 1000 >/dev/null & kill -STOP $!; echo $!");
    run.launcher.end(5000);
    expect(await run.ended).toBe(1);
    expect(isAlive(Number(out))).toBe(false);
  });

  it("ends a fork storm", { timeout: 60_000 }, async (context) => {
    skipFor(rootObstacle(), context);
    const uid = 23456;
    const result = await run.launch({
      path: "/bin/sh",
      argv: ["sh", "-c", "trap '' TERM; storm() { storm & storm & wait; storm; }; storm"],
      user: { uid, gid: uid, groups: [] },
      rlimits: [[6, 300, 300]],
    });
    expect(isLaunched(result)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 500));
    run.launcher.end(20);
    expect(await run.ended).toBeGreaterThan(10);
    const owners = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((name) => statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid);
    expect(owners).not.toContain(uid);
  });

  it("comes when the broker is killed, for a daemon too", async () => {
    const pidFile = join(directory, "daemon");
    const script = `setsid sh -c 'trap "" HUP TERM; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; sleep 1000 & wait' &`;
    const broker = spawn(
      process.execPath,
      [fileURLToPath(new URL("../support/doomed_broker.mjs", import.meta.url)), `(${script}) & sleep 1000`],
      { stdio: "inherit" },
    );
    expect(await until(() => existsSync(pidFile), 10_000)).toBe(true);
    const daemon = Number(readFileSync(pidFile, "utf8"));
    expect(isAlive(daemon)).toBe(true);
    broker.kill("SIGKILL");
    expect(await until(() => !isAlive(daemon), 10_000)).toBe(true);
  });

  it("is -1 when the launcher is killed, and what waits for it fails", async () => {
    process.kill(run.launcher.pid, "SIGKILL");
    expect(await run.ended).toBe(-1);
    expect(await run.launch({})).toMatchObject({ stage: "launcher" });
    expect(run.launcher.signal(1, 0)).toBe(-ESRCH);
    expect(await until(() => !existsSync(`/proc/${run.launcher.pid}`), 5000)).toBe(true);
  });

  it("fails the launches that wait when the launcher dies", async () => {
    process.kill(run.launcher.pid, "SIGSTOP");
    const result = run.launch({});
    process.kill(run.launcher.pid, "SIGKILL");
    expect(await result).toMatchObject({ stage: "launcher", errno: ECHILD });
  });
});

describe("the launcher", () => {
  it("is a static program that holds nothing of the broker", async () => {
    await run.sh("exit 0");
    const fds = readlinkSync(`/proc/${run.launcher.pid}/exe`);
    expect(statSync(fds).ino).toBe(statSync(launcherProgram).ino);
    expect(await until(() => existsSync(`/proc/${run.launcher.pid}/fd/6`), 1000)).toBe(true);
    expect(existsSync(`/proc/${run.launcher.pid}/fd/7`)).toBe(false);
    expect(readlinkSync(`/proc/${run.launcher.pid}/fd/1`)).toBe("/dev/null");
  });

  it("launches as fast beside a large heap", async () => {
    const median = async (): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 60; ++i) {
        const start = performance.now();
        const result = await run.launch({});
        if (isLaunched(result)) await run.exit(result.pid);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[30]!;
    };
    const before = await median();
    const heap = Buffer.alloc(300 << 20, 1);
    const after = await median();
    expect(heap[heap.length - 1]).toBe(1);
    // Copying the page tables of 300 MB takes above 10 ms.
    expect(after).toBeLessThan(before * 2 + 1);
  });
});
