/**
 * A preloaded unmodified Node program and an MCP client, each beside the TypeScript client: the same acts, the same verdicts, the same
 * records. Each does the acts that it has a way to do; what it leaves out is named here.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ACTS, type Act, AGENT_LIST, type Agent, type AgentVerdict, perform } from "../../support/agents.ts";
import { Arena } from "../../support/arena.ts";
import type { LogRecord } from "../../support/confined.ts";
import { KERNEL_PROFILE } from "../../support/kernel_profile.ts";
import { McpSession } from "../../support/mcp.ts";
import { workbook } from "../../support/workbook_fixture.ts";

const ROOT: string = new URL("../../..", import.meta.url).pathname;
const REGISTER = join(ROOT, "dist/register/register.js");

/** The kernel answers these before anybody is asked, and Node has no call of its own for a truncate by name or a transaction. */
const NOT_OF_NODE = [
  "make it again",
  "read it",
  "stat it",
  "list",
  "change its size",
  "replace a file as a whole",
  "read what is not there",
  "read a secret of the workspace",
  "replace as a whole outside",
  "read a cell",
  "write a cell",
  "read it as it was written",
  "read a cell outside",
];
/** No tool does these; and make_directory is content with one that is there. */
const NOT_OF_MCP = [
  "stat it",
  "make it again",
  "link it",
  "make a symbolic link",
  "change its mode",
  "change its size",
  "replace a file as a whole",
  "remove a name",
  "replace as a whole outside",
  "set the setuid bit",
];

const without = (names: readonly string[]): readonly Act[] => {
  const known = new Set(ACTS.map(({ name }) => name));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  return ACTS.filter(({ name }) => !names.includes(name));
};
const must = (acts: readonly Act[]): readonly AgentVerdict[] =>
  acts.map(({ name, expect: how }) => (how === "done" ? { name, ok: true } : { name, ok: false, ...how }));

/** The TypeScript agent with these acts alone. */
function reference(acts: readonly Act[]): Agent {
  const whole = AGENT_LIST.find(({ name }) => name === "TypeScript agent")!;
  return {
    ...whole,
    prepare: (arena) => {
      const prepared = whole.prepare(arena);
      arena.put("home/acts.json", JSON.stringify({ acts }));
      return prepared;
    },
  };
}

test("a preloaded unmodified Node program", async () => {
  const acts = without(NOT_OF_NODE);
  const node: Agent = {
    name: "Node program",
    obstacle: () => "",
    prepare: (arena) => {
      const agent = arena.put(
        "home/node_agent.cjs",
        readFileSync(join(import.meta.dirname, "node_agent.cjs"), "utf8"),
      );
      const list = arena.put("home/acts.json", JSON.stringify({ acts }));
      return {
        command: [process.execPath, "--import", REGISTER, agent, list, arena.outside],
        flags: ["--read", dirname(process.execPath), "--read", arena.home],
      };
    },
  };
  const made = await perform(node, KERNEL_PROFILE);
  expect(made.run.report?.mediation).toBe("kernel");
  expect(made.verdicts).toEqual(must(acts));
  const asked = await perform(reference(acts), KERNEL_PROFILE);
  expect(asked.verdicts).toEqual(made.verdicts);
  expect(made.records.length).toBeGreaterThan(18);
  expect(made.records).toEqual(asked.records);
});

const TOOLS: Readonly<Record<string, (act: Act) => readonly [string, Record<string, unknown>]>> = {
  write: ({ path, text }) => ["write_file", { path, content: text }],
  read: ({ path }) => ["read_file", { path }],
  list: ({ path }) => ["list_directory", { path }],
  mkdir: ({ path }) => ["make_directory", { path }],
  rename: ({ path, to }) => ["move", { from: path, to }],
  "read-cell": ({ path }) => ["read_cells", { path, sheet: "Sheet1", range: "A1" }],
  "write-cell": ({ path, text }) => ["write_cells", { path, sheet: "Sheet1", at: "A1", values: [[text]] }],
  unlink: ({ path }) => ["delete", { path }],
};

test("an MCP client", async () => {
  const acts = without(NOT_OF_MCP);
  using arena = new Arena();
  arena.put("workspace/seed", "seed\n");
  arena.put("workspace/.env", "SECRET=1\n");
  writeFileSync(join(arena.workspace, "book.xlsx"), workbook());
  arena.putRepository("workspace");
  await using session = await McpSession.start(arena);
  const verdicts: AgentVerdict[] = [];
  for (const act of acts) {
    const here = JSON.parse(JSON.stringify(act).replaceAll("${outside}", arena.outside)) as Act;
    const { isError, structuredContent: said, content } = await session.call(...TOOLS[here.act]!(here));
    if (isError) {
      const { code, errno } = said as { code: string; errno: string };
      verdicts.push({ name: act.name, ok: false, code, errno, rule: said?.denial?.rule ?? "" });
    } else {
      if (act.act === "read" || act.act === "read-cell") expect(content[0]!.text).toBe(act.text);
      verdicts.push({ name: act.name, ok: true });
    }
  }
  expect(verdicts).toEqual(must(acts));
  const asked = await perform(reference(acts));
  expect(asked.verdicts).toEqual(verdicts);
  // A tool looks before it acts.
  const acted = actsOf(await session.end(), arena.workspace, arena.outside);
  const { records } = asked.run;
  const place = records.find(({ op, path }) => op === "open" && path?.endsWith("/notes"))!.path!;
  const workspace = place.slice(0, -"/notes".length);
  expect(acted.length).toBeGreaterThan(10);
  expect(acted).toEqual(actsOf(records, workspace, join(workspace, "../outside")));
});

/** Intents with their outcomes and refusals, but for looks. */
function actsOf(records: readonly LogRecord[], workspace: string, outside: string): readonly string[] {
  const place = (path = ""): string => path.replaceAll(workspace, "ws").replaceAll(outside, "outside");
  return (
    records
      // Of what is not there the look has told.
      .filter(
        ({ op, path }) =>
          op !== "stat" &&
          path !== `${workspace}/missing` &&
          [workspace, outside].some((root) => path?.startsWith(root)),
      )
      .map(({ seq, kind, op, path, to, rule, errno }) => {
        const outcome = records.find(({ intent }) => intent === seq);
        return [kind, op, place(path), place(to), rule, errno ?? outcome?.errno ?? ""].join(" ");
      })
  );
}
