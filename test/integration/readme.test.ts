/** The sessions in the documentation are run, and must print what the pages show. `npm run docs` writes them anew. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { FileHandle } from "../../src/client/file.ts";
import { play, sessionsOf, shapeOf, withSession } from "../support/docs/sessions.ts";

const ROOT = join(import.meta.dirname, "../..");
const WRITES = process.env["SALLYPORT_DOCS"] === "write";
const PAGES = ["README.md", "docs/agent-runtimes.md", "docs/responders.md", "docs/capabilities.md"];

const FAULT = /Traceback|Error:|ENOENT|NOT WHOLE|WRONG|command not found/;

const page = (name: string): string => readFileSync(join(ROOT, name), "utf8");
const example = /<!-- example: agent\.mjs -->\n```js\n([\s\S]*?)```/.exec(
  page("docs/agent-runtimes.md"),
)![1]!;
const sessions = PAGES.flatMap((name) => sessionsOf(page(name)).map((session) => ({ name, session })));

describe("sessions in the documentation", () => {
  it("were found", () => {
    expect(sessions.map(({ session }) => session.name)).toEqual([
      "readme",
      "demonstration",
      "agent",
      "audit-show",
      "audit-verify",
      "by-hand",
      "tokens",
    ]);
  });

  it.each(sessions)("$name: $session.name", ({ name, session }) => {
    const scratch = mkdtempSync("/tmp/sallyport-session-");
    try {
      const played = play(session, scratch, example);
      const shapes = (steps: typeof session.steps): string[] =>
        steps.map(({ command, output }) => `$ ${command}\n${shapeOf(output)}`);
      // Writing a session anew must not turn a fault into documentation.
      for (const { output } of played.steps) expect(output).not.toMatch(FAULT);
      const isSame = shapes(played.steps).join("") === shapes(session.steps).join("");
      if (WRITES && !isSame) writeFileSync(join(ROOT, name), withSession(page(name), played));
      else expect(shapes(played.steps)).toEqual(shapes(session.steps));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});

describe("docs/at-the-desk.md", () => {
  const scratch = mkdtempSync("/tmp/sallyport-desk-");
  const workspace = join(scratch, "workspace");
  mkdirSync(workspace);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const sallyport = (cwd: string, ...args: string[]) => {
    const program = join(ROOT, "bin/sallyport");
    const env = { ...process.env, XDG_STATE_HOME: join(scratch, "state") };
    return spawnSync(process.execPath, [program, ...args], { cwd, env, encoding: "utf8" });
  };

  it.each([
    [7, workspace, ["run", "--", "sh", "-c", "exit 7"]],
    [143, workspace, ["run", "--", "sh", "-c", "kill -TERM $$"]],
    [124, workspace, ["run", "--timeout", "300ms", "--", "sleep", "30"]],
    [125, "/", ["run", "--", "true"]],
    [126, workspace, ["run", "--", "/etc/passwd"]],
    [127, workspace, ["run", "--", "no-such-program"]],
    [0, workspace, ["why", "--op", "write", "--path", "a"]],
    [1, workspace, ["why", "--op", "write", "--path", "../a"]],
  ])("exit status %i", (status, cwd, args) => {
    expect(sallyport(cwd, ...args).status).toBe(status);
  });

  it("the fields of --json are those of docs/agent-runtimes.md", () => {
    const { stderr } = sallyport(workspace, "run", "--json", "--", "true");
    const guide = page("docs/agent-runtimes.md");
    const rows = guide.slice(guide.indexOf("`--json` writes"), guide.indexOf("## Another language"));
    const named = [...rows.matchAll(/^\| ([^|]*) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`(\w+)`/g)].map(([, field]) => field!),
    );
    expect(Object.keys(JSON.parse(stderr)).toSorted()).toEqual(named.toSorted());
  });
});

describe("docs/agent-runtimes.md", () => {
  it.each([...methodsOf(Client), ...methodsOf(FileHandle)])("names %s", (method) => {
    expect(page("docs/agent-runtimes.md")).toMatch(new RegExp(`\`${method}\\b`));
  });
});

function methodsOf(type: { readonly prototype: object }): string[] {
  return Object.getOwnPropertyNames(type.prototype).filter((name) => name !== "constructor");
}
