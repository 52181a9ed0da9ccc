/** `sallyport mcp --token`: the tools can do what the profile and the token grant both; cells by tools. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { sallyport } from "../support/confined.ts";
import { McpSession } from "../support/mcp.ts";
import { workbook } from "../support/workbook_fixture.ts";

/** The server is a program of the run, and this checkout lies in no system directory. */
const PACKAGES = join(new URL("../..", import.meta.url).pathname, "node_modules/**");

test("a server that was started with a token offers what that grants", async () => {
  using arena = new Arena();
  arena.put("workspace/mine/a.md", "granted\n");
  arena.put("workspace/a.md", "not granted\n");
  const token = join(arena.home, "mcp.token");
  const order = [
    "--id",
    "c-1",
    "--subject",
    "model",
    "--read",
    `${arena.workspace}/mine/**`,
    "--read",
    PACKAGES,
    "--expires",
    "4m",
    "--out",
    token,
  ];
  const made = await sallyport(arena, ["token", "mint", "--state", arena.state, ...order]);
  expect(made.exitCode, made.stderr).toBe(0);
  await using session = await McpSession.start(arena, ["--token", token]);
  const granted = await session.call("read_file", { path: "mine/a.md" });
  expect(granted.content[0]!.text, session.said).toBe("granted\n");
  const refusals = [
    await session.call("read_file", { path: "a.md" }),
    await session.call("write_file", { path: "mine/new", content: "x" }),
  ];
  for (const { isError, structuredContent: told } of refusals) {
    expect(isError).toBe(true);
    expect(told).toMatchObject({ code: "DENIED", denial: { rule: "capability.not-granted" } });
  }
});

test("a token that nobody has signed starts no server", async () => {
  using arena = new Arena();
  const token = arena.put("home/forged.token", "x.y.z\n");
  const end = await sallyport(arena, ["mcp", "--state", arena.state, "--token", token]);
  expect(end.exitCode).not.toBe(0);
  expect(end.stderr).toContain("token");
});

test("cells are named as in a sheet, and what is no cell is refused by name", async () => {
  using arena = new Arena();
  writeFileSync(join(arena.workspace, "book.xlsx"), workbook());
  await using session = await McpSession.start(arena);
  const book = { path: "book.xlsx", sheet: "Sheet1" };
  const read = await session.call("read_cells", { ...book, range: "A1:B2" });
  expect(read.structuredContent?.["values"]).toEqual([
    ["name", "total "],
    [1.5, 3],
  ]);
  expect(read.content[0]!.text).toBe("name\ttotal \n1.5\t3");
  const values = [[7, true, null, "=1+1"]];
  const written = await session.call("write_cells", { ...book, at: "AA10", values });
  expect(written.isError, written.content[0]!.text).not.toBe(true);
  const again = await session.call("read_cells", { ...book, range: "AA10:AD10" });
  expect(again.structuredContent?.["values"]).toEqual(values);
  for (const [name, args, field] of [
    ["read_cells", { range: "A0" }, "range"],
    ["read_cells", { range: "B2:A1" }, "range"],
    ["read_cells", { range: "A1:B2:C3" }, "range"],
    ["read_cells", { range: "XFE1" }, "range"],
    ["read_cells", { range: "A1048577" }, "range"],
    ["read_cells", { range: "A1:A4097" }, "range"],
    ["write_cells", { at: "a1", values: [[1]] }, "at"],
    ["write_cells", { at: "A1", values: [[1], [1, 2]] }, "values"],
    ["write_cells", { at: "A1", values: [[{}]] }, "values[0][0]"],
    ["write_cells", { at: "A1", values: [] }, "values"],
  ] as const) {
    const { isError, structuredContent, content } = await session.call(name, { ...book, ...args });
    expect(isError, `${name} ${JSON.stringify(args)}`).toBe(true);
    expect(structuredContent).toEqual({ code: "INVALID" });
    expect(content[0]!.text).toContain(`"${field}" must be`);
  }
});
