import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { constants as os, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { binding } from "../../src/platform/binding.ts";
import { type Harness, startHarness } from "../support/launch.ts";
import { needs } from "../support/needs.ts";

const O_PATH = 0o10000000;
const execute = 1;
const readFile = 4;
const readDir = 8;
const all = 0x1fff;

function ruleset(paths: Readonly<Record<string, number>>, handledFs = all): number {
  const fd = binding.landlockCreateRuleset(handledFs, 0, 0);
  for (const [path, allowed] of Object.entries(paths)) {
    const at = openSync(path, constants.O_RDONLY | O_PATH);
    binding.landlockAddPath(fd, at, allowed);
    closeSync(at);
  }
  return fd;
}

describe("a Landlock ruleset", () => {
  needs(binding.landlockAbi() > 0 ? "" : "needs Landlock, this machine has none");
  let run: Harness;
  let directory: string;
  beforeEach(() => {
    run = startHarness();
    directory = mkdtempSync(join(tmpdir(), "sallyport-landlock-"));
    writeFileSync(join(directory, "file"), "content\n");
  });
  afterEach(() => {
    run.close();
    rmSync(directory, { recursive: true });
  });

  const system = {
    "/usr": execute | readFile | readDir,
    "/bin": execute | readFile,
    "/lib": execute | readFile,
  };

  it("refuses what no rule allows and allows what one does", async () => {
    const denied = ruleset(system);
    expect((await run.sh(`cat ${directory}/file`, { rulesetFd: denied })).out).toMatch(/Permission denied/);
    closeSync(denied);

    const allowed = ruleset({ ...system, [directory]: readFile });
    const { out } = await run.sh(`cat ${directory}/file; : > ${directory}/new`, { rulesetFd: allowed });
    closeSync(allowed);
    expect(out).toMatch(/^content\n.*(Permission denied|cannot create)/s);
  });

  it("reports a program it keeps from running as a failure of exec", async () => {
    const rulesetFd = ruleset({});
    expect(await run.launch({ rulesetFd })).toMatchObject({ stage: "exec", errno: os.errno.EACCES });
    closeSync(rulesetFd);
  });

  it("throws for a bit the kernel does not know, an empty one and a descriptor that is none", () => {
    const failure = (errno: number) => expect.objectContaining({ errno });
    expect(() => binding.landlockCreateRuleset(2 ** 50, 0, 0)).toThrow(failure(os.errno.EINVAL));
    expect(() => binding.landlockCreateRuleset(0, 0, 0)).toThrow(failure(os.errno.ENOMSG));
    expect(() => binding.landlockAddPath(1000, 0, readFile)).toThrow(failure(os.errno.EBADF));
  });

  it("is a failure of stage landlock when it is none", async () => {
    const rulesetFd = openSync("/dev/null", "r");
    expect(await run.launch({ rulesetFd })).toMatchObject({
      stage: "landlock",
      syscall: "landlock_restrict_self",
    });
    closeSync(rulesetFd);
  });
});
