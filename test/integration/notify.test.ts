import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { binding, type NativeNotifier } from "../../src/platform/binding.ts";
import { compileVictim, type Seen, supervise } from "../support/victim.ts";

const { EACCES, EBADF, EFAULT, EILSEQ, EMFILE, ENAMETOOLONG, ENOENT, EPERM } = constants.errno;
const O_CLOEXEC = 0o2000000;
const openat = 257;

let victim = "";
let folder = "";
let good = "";
let forbidden = "";

beforeAll(() => {
  victim = compileVictim("notify_victim");
  folder = mkdtempSync(join(tmpdir(), "sallyport-notify-"));
  good = join(folder, "good");
  forbidden = join(folder, "evil");
  writeFileSync(good, "G");
  writeFileSync(forbidden, "F");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Allows what is not the forbidden file, as a policy would: by the path that was read. */
function allow(seen: Seen, notifier: NativeNotifier): void {
  if (seen.status !== 0) return void notifier.replyError(seen.slot, seen.status);
  if (seen.nr !== openat) return void notifier.replyValue(seen.slot, 0);
  if (seen.one === forbidden) return void notifier.replyError(seen.slot, EACCES);
  const flags = seen.wide[2]!;
  const fd = binding.fsOpen(seen.one, flags & ~O_CLOEXEC, 0o600, 0o022);
  if (fd < 0) return void notifier.replyError(seen.slot, -fd);
  const failed = notifier.replyFd(seen.slot, fd, flags & O_CLOEXEC, 1);
  if (failed < 0 && failed !== -ENOENT) notifier.replyError(seen.slot, -failed);
}

test("an open is answered with our descriptor and the end is told once", async () => {
  const seen: Seen[] = [];
  const { output, ended } = await supervise(victim, ["open", good], (each, notifier) => {
    seen.push(each);
    expect(notifier.isValid(each.slot)).toBe(1);
    allow(each, notifier);
    expect(notifier.isValid(each.slot)).toBe(0);
    expect(notifier.replyError(each.slot, 1)).toBe(-ENOENT);
  });
  expect(output).toEqual(["3"]);
  expect(ended).toBe(true);
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ nr: openat, one: good, two: "", status: 0, heldFd: -1 });
  expect(seen[0]!.tgid).toBe(seen[0]!.tid);
});

test("two threads that flip the path never get the forbidden file", async () => {
  const { output } = await supervise(victim, ["flipper", good, forbidden], allow);
  const [allowed, refused, flipped] = output.map(Number);
  expect(Math.min(allowed!, refused!)).toBeGreaterThanOrEqual(200);
  expect(flipped).toBe(0);
});

test.each(["storm", "storm-restart"])("%s: calls under signals succeed, and once each", async (scenario) => {
  let events = 0;
  const { output } = await supervise(victim, [scenario, good], (seen, notifier) => {
    events++;
    setTimeout(() => allow(seen, notifier), 8);
  });
  expect(output).toEqual(["10"]);
  expect(events).toBe(10);
});

test("signals that reach the broker do not change what its callers get", async () => {
  // The profiler interrupts this thread ten thousand times a second.
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 100 });
  session.post("Profiler.start");
  const { output } = await supervise(victim, ["numbers", good], allow);
  session.disconnect();
  expect(output).toEqual(["0"]);
});

test("a FIFO does not block the broker, a planted link is not followed", async () => {
  const fifo = join(folder, "fifo");
  const link = join(folder, "link");
  execFileSync("mkfifo", [fifo]);
  symlinkSync("/etc/shadow", link);
  // ESPIPE: the broker is told to wait for a writer where it does not block.
  expect((await supervise(victim, ["open", fifo], allow)).output).toEqual([`E${constants.errno.ESPIPE}`]);
  expect((await supervise(victim, ["open", link], allow)).output).toEqual([`E${constants.errno.ELOOP}`]);
});

test("EMFILE of the caller comes back and the slot stays open for it", async () => {
  const answers: number[] = [];
  const { output } = await supervise(victim, ["exhausted", good], (seen, notifier) => {
    const fd = binding.fsOpen(seen.one, 0, 0, 0);
    answers.push(notifier.replyFd(seen.slot, fd, 0, 1));
    if (answers.at(-1)! < 0) expect(notifier.replyError(seen.slot, EMFILE)).toBe(0);
  });
  expect(answers).toEqual([-EMFILE, 0]);
  expect(output).toEqual([`E${EMFILE}`, "15"]);
});

test("a caller killed while pending: the answer is ENOENT and the end is told", async () => {
  const answers: number[] = [];
  const { ended } = await supervise(victim, ["open", good], (seen, notifier, child) => {
    child.kill("SIGKILL");
    setTimeout(() => {
      answers.push(notifier.isValid(seen.slot));
      answers.push(notifier.replyFd(seen.slot, binding.fsOpen(good, 0, 0, 0), 1, 0));
    }, 50);
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(ended).toBe(true);
  expect(answers).toEqual([0, -ENOENT]);
});

test("arguments that cannot be read are named by their errno", async () => {
  const status: number[] = [];
  const { output } = await supervise(victim, ["bad", good], (seen, notifier) => {
    status.push(seen.status);
    allow(seen, notifier);
  });
  const wanted = [EFAULT, 0, EFAULT, EILSEQ, ENOENT, EBADF, ENAMETOOLONG];
  expect(status).toEqual(wanted);
  expect(output).toEqual(wanted.map((errno) => (errno === 0 ? "3" : `E${errno}`)));
});

test("each shape of arguments", async () => {
  const seen: Seen[] = [];
  const values: string[] = [];
  const { output } = await supervise(victim, ["shapes", folder], (each, notifier) => {
    seen.push(each);
    const bytes = notifier.data(each.slot);
    if (bytes !== null) values.push(Buffer.from(bytes).toString());
    if (each.heldFd >= 0) expect(binding.fdPath(each.heldFd)).toBe("/dev/null");
    notifier.replyValue(each.slot, 0);
  });
  const now = 0x3fffffff;
  const omit = 0x3ffffffe;
  expect(now - omit).toBe(1);
  expect(seen.map((each) => [each.one, each.two, each.pathFlags, each.status])).toEqual([
    [`${folder}/link`, "../target//x", 1, 0],
    [`${folder}/a/b`, `${folder}/c/../d`, 16, 0],
    [`${folder}/t`, "", 0, 0],
    [`${folder}/t`, "", 0, 0],
    [`${folder}/t`, "user.name", 0, 0],
    ["/dev/null", "", 0, 0],
    ["/dev/null", "", 0, 0],
    [`/proc/${seen[0]!.tgid}/x`, "", 0, 0],
    [`/proc/${seen[0]!.tgid}/fd/0`, "", 0, 0],
    ["", "", 0, EBADF],
  ]);
  expect(seen[2]!.wide.slice(6, 10)).toEqual([5, 6, 7, omit]);
  expect(seen[3]!.wide.slice(6, 10)).toEqual([5, 6000, 7, 8000]);
  expect(values).toEqual(["value"]);
  expect(output).toEqual(seen.map(() => "0"));
});

test("/proc/self/fd gives back no more than the caller holds", async () => {
  const answers: (number | string)[] = [];
  await supervise(victim, ["open", `/proc/self/fd/0`], (seen, notifier) => {
    answers.push(binding.fsResolve(seen.one, seen.tid, seen.tgid, 1));
    answers.push(binding.fsOpen(seen.one, 0, 0, 0));
    answers.push(binding.fsReopenDescriptor(seen.tid, 1, 2));
    notifier.replyError(seen.slot, EPERM);
    expect(answers[0]).toBe(`/proc/${seen.tgid}/fd/0`);
  });
  // Descriptor 1 is a pipe or a socket of Node: neither can be had with more access than it has.
  expect(answers.slice(1)).toEqual([-constants.errno.ELOOP, expect.any(Number)]);
  expect(answers[2]).toBeLessThan(0);
});

test("eight processes at once", async () => {
  const { output } = await supervise(victim, ["processes", good], allow);
  expect(output).toEqual(["8"]);
});

test("closing the listener fails every trapped call closed", async () => {
  const printed = await new Promise<string>((resolve) => {
    void supervise(victim, ["open", good], (_seen, notifier, child) => {
      child.stdout!.on("data", (text: string) => resolve(text.trim()));
      notifier.close();
    });
  });
  expect(printed).toBe(`E${constants.errno.ENOSYS}`);
});
