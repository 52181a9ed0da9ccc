import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { linux } from "../../src/platform/linux.ts";

const scratch = mkdtempSync("/tmp/sallyport-stat-");

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function kindOf(path: string): string {
  const found = linux.stat(path);
  return typeof found === "number" ? `errno ${-found}` : found.kind;
}

// The search of a renamed tree rests on "directory" and "symlink": a wrong word here is an open door.
test("stat names each kind of file", async () => {
  writeFileSync(join(scratch, "file"), "");
  symlinkSync("file", join(scratch, "link"));
  execFileSync("mkfifo", [join(scratch, "fifo")]);
  const server = createServer().listen(join(scratch, "socket"));
  await new Promise((resolve) => server.once("listening", resolve));
  expect(kindOf(scratch)).toBe("directory");
  expect(kindOf(join(scratch, "file"))).toBe("file");
  expect(kindOf(join(scratch, "link"))).toBe("symlink");
  expect(kindOf(join(scratch, "fifo"))).toBe("fifo");
  expect(kindOf(join(scratch, "socket"))).toBe("socket");
  expect(kindOf("/dev/null")).toBe("device");
  server.close();
});
