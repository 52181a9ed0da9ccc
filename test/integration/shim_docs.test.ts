/** The examples of docs/shims-c-and-python.md do what the page shows. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pythonObstacle } from "../support/vectors/shims.ts";

const ROOT: string = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const PAGE = readFileSync(join(ROOT, "docs/shims-c-and-python.md"), "utf8");
const HEADER = readFileSync(join(ROOT, "native/shim/include/sallyport.h"), "utf8");

const block = (kind: string, name: string): string =>
  new RegExp(`<!-- ${kind}: ${name.replace(".", "\\.")} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(
    PAGE,
  )![1]!;

test.each(["agent.c", "agent.py", "fast.yaml"])("%s", (name) => {
  const obstacle = name === "agent.py" ? pythonObstacle() : "";
  if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
  const scratch = mkdtempSync("/tmp/sallyport-shims-page-");
  try {
    const workspace = join(scratch, "notes");
    execFileSync("mkdir", [workspace]);
    writeFileSync(join(workspace, name), block("example", name));
    writeFileSync(join(workspace, ".env"), "TOKEN=secret\n");
    const env = {
      ...process.env,
      PATH: `${join(ROOT, "bin")}:${process.env["PATH"] ?? ""}`,
      SALLYPORT: ROOT,
      XDG_STATE_HOME: join(scratch, "state"),
    };
    const shown = block("commands", name);
    const commands = shown.split("\n").filter((line) => line.startsWith("$ "));
    expect(commands.length).toBeGreaterThan(0);
    const played = commands.map((line) => {
      const { stdout, stderr } = spawnSync("bash", ["-c", line.slice(2)], {
        cwd: workspace,
        env,
        encoding: "utf8",
      });
      return `${line}\n${stdout}${stderr}`;
    });
    expect(played.join("")).toBe(shown);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("the page and the header say the same of what a program may rely on", () => {
  for (const word of ["fork(2)", "EINTR", "vfork(2)", "UTF-8"]) {
    expect(PAGE).toContain(word);
    expect(HEADER).toContain(word);
  }
});
