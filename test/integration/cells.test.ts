import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCells } from "../../src/files/workbook/workbook.ts";
import { Arena } from "../support/arena.ts";
import { confined, sallyport } from "../support/confined.ts";
import { workbook } from "../support/workbook_fixture.ts";

const CLIENT: string = new URL("../../dist/client/client.js", import.meta.url).pathname;
const A1_D4 = { fromColumn: 0, fromRow: 0, toColumn: 3, toRow: 3 };

function arenaWith(book: Buffer = workbook()): Arena {
  const arena = new Arena();
  writeFileSync(join(arena.workspace, "book.xlsx"), book);
  return arena;
}

/** A program that does each act with the client and writes what came of it. */
const program = (...acts: string[]): string[] => [
  process.execPath,
  "--input-type=module",
  "-e",
  `import { connect } from ${JSON.stringify(CLIENT)};
const client = await connect();
const said = async (act) => console.log(JSON.stringify((await act().catch((error) => [error.code, error.errno, error.denial?.rule ?? error.message])) ?? null));
${acts.map((act) => `await said(() => ${act});`).join("\n")}
client.close();`,
];
const range = (fromColumn: number, fromRow: number, toColumn: number, toRow: number): string =>
  JSON.stringify({ fromColumn, fromRow, toColumn, toRow });
const said = (stdout: string): unknown[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);

test("cells are read and written, on record, and put back by undo", async () => {
  using arena = arenaWith();
  const file = join(arena.workspace, "book.xlsx");
  const before = readFileSync(file);
  const run = await confined(
    arena,
    program(
      `client.readCells("book.xlsx", "Sheet1", ${range(0, 0, 1, 1)})`,
      `client.writeCells("book.xlsx", "Sheet1", { fromColumn: 0, fromRow: 0 }, [["=HYPERLINK(1)", 7], [true, null]])`,
      `client.writeCells("book.xlsx", "Sheet1", { fromColumn: 0, fromRow: 0 }, [["=HYPERLINK(1)", 7], [true]])`,
      `client.writeCells("book.xlsx", "Sheet1", { fromColumn: 0, fromRow: 0 }, [["=HYPERLINK(1)"], [2]])`,
      `client.readCells("book.xlsx", "Nowhere", ${range(0, 0, 1, 1)})`,
      `client.readCells("none.xlsx", "Sheet1", ${range(0, 0, 1, 1)})`,
    ),
  );
  expect(run.exitCode, run.stderr).toBe(0);
  expect(said(run.stdout)).toEqual([
    [
      ["name", "total "],
      [1.5, 3],
    ],
    ["SYSTEM", "EINVAL", expect.stringContaining("B2 holds a formula")],
    ["INVALID", "EINVAL", expect.stringContaining("values[1]")],
    null,
    ["NOT_FOUND", "ENOENT", expect.stringContaining('no sheet "Nowhere"')],
    ["NOT_FOUND", "ENOENT", expect.anything()],
  ]);
  expect(readCells(readFileSync(file), "Sheet1", A1_D4)).toEqual([
    ["=HYPERLINK(1)", "total ", null, "<😀>"],
    [2, 3, true, "#REF!"],
    [null, null, null, null],
    ["in & line", null, null, null],
  ]);
  const written = run.records.find(({ kind, op }) => kind === "intent" && op === "write-cells");
  expect(written?.extra?.["cells"]).toBe(`${file}#Sheet1!A1:B2`);
  const restored = await sallyport(arena, ["undo", "restore", run.report!.run, "--state", arena.state]);
  expect(restored.exitCode, restored.stderr).toBe(0);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("cells outside of the granted tree are denied as files are", async () => {
  using arena = arenaWith();
  const book = join(arena.outside, "book.xlsx");
  writeFileSync(book, workbook());
  const path = JSON.stringify(book);
  const run = await confined(
    arena,
    program(
      `client.readCells(${path}, "Sheet1", ${range(0, 0, 0, 0)})`,
      `client.writeCells(${path}, "Sheet1", { fromColumn: 0, fromRow: 0 }, [[1]])`,
    ),
  );
  expect(said(run.stdout)).toEqual([
    ["DENIED", "EACCES", "default-deny"],
    ["DENIED", "EACCES", "default-deny"],
  ]);
  expect(readFileSync(book).equals(workbook())).toBe(true);
});

test("who has a token for cells gets these and neither other cells nor the file", async () => {
  using arena = arenaWith();
  const book = join(arena.workspace, "book.xlsx");
  const token = join(arena.home, "cells.token");
  const minted = await sallyport(arena, [
    ...[
      "token",
      "mint",
      "--subject",
      "sheet-agent",
      "--expires",
      "4m",
      "--out",
      token,
      "--state",
      arena.state,
    ],
    ...["--cells", `read:${book}#Sheet1!A1:B2`, "--cells", `write:${book}#Sheet1!D3`],
  ]);
  expect(minted.exitCode, minted.stderr).toBe(0);
  const run = await confined(
    arena,
    program(
      `client.readCells("book.xlsx", "Sheet1", ${range(0, 0, 1, 1)})`,
      `client.readCells("book.xlsx", "Sheet1", ${range(0, 0, 2, 1)})`,
      `client.writeCells("book.xlsx", "Sheet1", { fromColumn: 3, fromRow: 2 }, [["mine"]])`,
      `client.writeCells("book.xlsx", "Sheet1", { fromColumn: 2, fromRow: 2 }, [["not", "mine"]])`,
      `client.readFile("book.xlsx").then(() => "read")`,
    ),
    { flags: ["--token", token] },
  );
  expect(said(run.stdout), run.stderr).toEqual([
    [
      ["name", "total "],
      [1.5, 3],
    ],
    ["DENIED", "EACCES", "capability.not-granted"],
    null,
    ["DENIED", "EACCES", "capability.not-granted"],
    ["DENIED", "EACCES", "capability.not-granted"],
  ]);
  expect(readCells(readFileSync(book), "Sheet1", { ...A1_D4, fromRow: 2, toRow: 2 })).toEqual([
    [null, null, null, "mine"],
  ]);
});
