import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { rootObstacle, skipFor } from "../support/needs.ts";

const { EACCES, EPERM, ESRCH } = constants.errno;
const CAP_DAC_OVERRIDE = 1;

test("facts about a process", () => {
  const umask = process.umask(0o037);
  expect(binding.processUmask(process.pid)).toBe(0o037);
  process.umask(umask);
  expect(binding.processParent(process.pid)).toBe(process.ppid);
  expect(binding.processParent(0x3fffff)).toBe(-ESRCH);
});

test("an umask is told as it is now, and of a process that has gone not at all", async () => {
  const child = spawn("bash", ["-c", "umask 022; echo; read; umask 077; echo; read"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const pid = child.pid!;
  const line = (): Promise<unknown> => once(child.stdout, "data");
  const told: number[] = [];
  for (let time = 0; time < 2; time++) {
    await line();
    told.push(binding.processUmask(pid), binding.processUmask(pid));
    if (time === 1) break;
    child.stdin.write("\n");
  }
  const ended = once(child, "exit");
  child.stdin.end("\n");
  await ended;
  expect(told).toEqual([0o022, 0o022, 0o077, 0o077]);
  expect(binding.processUmask(pid)).toBe(-ESRCH);
});

test("a pseudo-terminal has two ends and a size", () => {
  const [master, slave, name] = binding.openPty();
  expect(binding.fdPath(slave)).toBe(name);
  binding.setWindowSize(master, 33, 101);
  expect(binding.getWindowSize(slave)).toEqual([33, 101]);
  binding.closeFd(slave);
  binding.closeFd(master);
  expect(() => binding.getWindowSize(-1)).toThrow(expect.objectContaining({ code: "EBADF" }));
});

test("authority is lowered for effects and comes back", (context) => {
  skipFor(rootObstacle(), context);
  const folder = mkdtempSync(join(tmpdir(), "sallyport-authority-"));
  const secret = join(folder, "secret");
  writeFileSync(secret, "", { mode: 0o000 });
  const user = { uid: 65534, gid: 65534, groups: [65534] };
  binding.lowerAuthority(user, []);
  const refused = binding.fsOpen(secret, 0, 0, 0);
  binding.lowerAuthority(null, []);
  const own = binding.fsOpen(secret, 0, 0, 0);
  binding.lowerAuthority(null, [CAP_DAC_OVERRIDE]);
  const kept = binding.fsOpen(secret, 0, 0, 0);
  const chown = binding.fsChown(secret, 1, 1);
  binding.raiseAuthority();
  const raised = binding.fsOpen(secret, 0, 0, 0);
  expect([refused, own, chown]).toEqual([-EACCES, -EACCES, -EPERM]);
  expect(Math.min(kept, raised)).toBeGreaterThan(2);
  for (const fd of [kept, raised]) binding.closeFd(fd);
  expect(() => binding.lowerAuthority({ uid: 1 } as never, [])).toThrow(TypeError);
  rmSync(folder, { recursive: true });
});

test("what a lowered thread makes belongs to its user", (context) => {
  skipFor(rootObstacle(), context);
  const folder = mkdtempSync("/var/tmp/sallyport-authority-");
  binding.fsChmod(folder, 0o777);
  binding.lowerAuthority({ uid: 1234, gid: 1235, groups: [] }, []);
  const made = binding.fsMkdir(join(folder, "made"), 0o700, 0);
  binding.raiseAuthority();
  expect(made).toBe(0);
  expect(statSync(join(folder, "made"))).toMatchObject({ uid: 1234, gid: 1235 });
  rmSync(folder, { recursive: true });
});

test("a signal goes to what descends from the root, and to nothing else", async () => {
  const child = spawn("sh", ["-c", "sleep 60 & echo $!; wait"], { stdio: ["ignore", "pipe", "ignore"] });
  const grandchild = Number(String((await once(child.stdout!, "data"))[0]));
  const look = (pid: number, root = process.pid): number => binding.signalDescendant(root, pid, 0);
  expect([look(child.pid!), look(grandchild), look(grandchild, child.pid)]).toEqual([0, 0, 0]);
  expect([look(process.pid), look(process.ppid), look(1), look(child.pid!, grandchild)]).toEqual([
    -EPERM,
    -EPERM,
    -EPERM,
    -EPERM,
  ]);
  expect(binding.signalDescendant(process.pid, grandchild, 9)).toBe(0);
  const [, signal] = await Promise.all([
    once(child, "exit"),
    binding.signalDescendant(process.pid, child.pid!, 15),
  ]);
  expect(signal).toBe(0);
  expect(look(child.pid!)).toBe(-ESRCH);
  expect(look(0x3fffff)).toBe(-ESRCH);
});
