import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { binding, STAT } from "../../src/platform/binding.ts";

const { EEXIST, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, EPERM, EOVERFLOW } = constants.errno;
const O_CREAT = 0o100;
const O_RDWR = 2;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sallyport-fs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("create, stat, list, rename, remove", () => {
  const file = join(folder, "f\u00fcr");
  const fd = binding.fsOpen(file, O_CREAT | O_RDWR, 0o6777, 0o027);
  expect(fd).toBeGreaterThan(2);
  expect(binding.fdPath(fd)).toBe(file);
  const out = new Float64Array(16);
  expect(binding.fdStat(fd, out)).toBe(0);
  expect(out[STAT.mode]! & 0o7777).toBe(0o750);
  binding.closeFd(fd);
  expect(binding.fsTruncate(file, 5)).toBe(0);
  expect(binding.fsStat(file, out)).toBe(0);
  expect(out[STAT.size]).toBe(5);
  expect(out[STAT.mtimeMs]).toBeCloseTo(statSync(file).mtimeMs, 0);
  expect(binding.fsList(folder, 10)).toEqual(["f\u00fcr"]);
  expect(binding.fsList(folder, 0)).toBe(-EOVERFLOW);
  expect(binding.fsMkdir(join(folder, "d"), 0o700, 0)).toBe(0);
  expect(binding.fsMkdir(join(folder, "d"), 0o700, 0)).toBe(-EEXIST);
  expect(binding.fsLink(file, join(folder, "d/g"))).toBe(0);
  expect(binding.fsRename(join(folder, "d/g"), join(folder, "h"), 1)).toBe(0);
  expect(binding.fsUnlink(join(folder, "h"), 0)).toBe(0);
  expect(binding.fsUnlink(join(folder, "d"), 0x200)).toBe(0);
  expect(binding.fsUtimens(file, 1, 0, 2, 500_000_000)).toBe(0);
  expect(statSync(file).mtimeMs).toBe(2500);
  expect(binding.fsChmod(file, 0o4700)).toBe(-EPERM);
  expect(binding.fsChmod(file, 0o700)).toBe(0);
  expect(binding.fsUnlink(file, 0)).toBe(0);
});

test("no link is followed, wherever it is", () => {
  mkdirSync(join(folder, "real"));
  writeFileSync(join(folder, "real/file"), "x");
  symlinkSync("real", join(folder, "alias"));
  expect(binding.fsOpen(join(folder, "alias/file"), 0, 0, 0)).toBe(-ELOOP);
  expect(binding.fsUnlink(join(folder, "alias/file"), 0)).toBe(-ELOOP);
  expect(binding.fsStat(join(folder, "alias/file"), new Float64Array(16))).toBe(-ELOOP);
  expect(binding.fsReadlink(join(folder, "alias"))).toBe("real");
  expect(binding.fsResolve(join(folder, "alias/file"), process.pid, process.pid, 1)).toBe(
    join(folder, "real/file"),
  );
  expect(binding.fsSymlink("elsewhere", join(folder, "new"))).toBe(0);
  expect(readlinkSync(join(folder, "new"))).toBe("elsewhere");
});

test("paths that are none", () => {
  expect(binding.fsOpen("relative", 0, 0, 0)).not.toBeGreaterThanOrEqual(0);
  expect(binding.fsMkdir("relative", 0, 0)).toBe(-EINVAL);
  expect(binding.fsOpen("/a\0b", 0, 0, 0)).toBe(-EINVAL);
  expect(binding.fsOpen(`/${"a".repeat(5000)}`, 0, 0, 0)).toBe(-ENAMETOOLONG);
  expect(binding.fsOpen("/does/not/exist", 0, 0, 0)).toBe(-ENOENT);
  expect(() => binding.fsOpen(1 as unknown as string, 0, 0, 0)).toThrow(TypeError);
});

test("a mapping is shared with the file", () => {
  const file = join(folder, "map");
  writeFileSync(file, Buffer.alloc(4096));
  const fd = openSync(file, "r+");
  const bytes = new Uint8Array(binding.mapShared(fd, 4096));
  bytes[0] = 65;
  expect(new Uint8Array(binding.mapShared(fd, 4096))[0]).toBe(65);
  expect(() => binding.mapShared(fd, 8192)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  binding.closeFd(fd);
});
