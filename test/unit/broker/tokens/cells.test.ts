import { expect, test } from "vitest";
import type { Action, Grant } from "../../../../src/policy/capability/capability.ts";
import { parseCells } from "../../../../src/policy/capability/cell_target.ts";
import type { CellRange, Request } from "../../../../src/protocol/message.ts";
import { authorityOf, capability, chain, path } from "../../../support/sessions.ts";

const BOOK = "/w/book.xlsx";
const cells = (action: Action, text: string): Grant => ({ action, target: parseCells(`${BOOK}#${text}`)! });
const rangeOf = (text: string): CellRange => parseCells(`${BOOK}#Sheet1!${text}`)!.range;
const read = (range: string, sheet = "Sheet1", book = BOOK): Request => ({
  op: "read-cells",
  path: book,
  sheet,
  range: rangeOf(range),
});
const write = (range: string): Request => {
  const { fromColumn, fromRow, toColumn, toRow } = rangeOf(range);
  const line = new Array<null>(toColumn - fromColumn + 1).fill(null);
  const values = Array.from({ length: toRow - fromRow + 1 }, () => line);
  return { op: "write-cells", path: BOOK, sheet: "Sheet1", at: { fromColumn, fromRow }, values };
};
const said = (grants: readonly Grant[], request: Request): string =>
  authorityOf([chain(capability("c", { grants }))]).authority.narrow(request).kind;

test.each<[string, readonly Grant[], Request, "allow" | "deny"]>([
  ["the granted cells", [cells("read", "Sheet1!A1:D40")], read("A1:D40"), "allow"],
  ["some of them", [cells("read", "Sheet1!A1:D40")], read("B2:C3"), "allow"],
  ["one more column", [cells("read", "Sheet1!A1:D40")], read("A1:E40"), "deny"],
  ["one more row", [cells("read", "Sheet1!A1:D40")], read("D41"), "deny"],
  ["another sheet", [cells("read", "Sheet1!A1:D40")], read("A1", "Sheet2"), "deny"],
  ["a sheet of another case", [cells("read", "Sheet1!A1:D40")], read("A1", "sheet1"), "deny"],
  ["another workbook", [cells("read", "Sheet1!A1:D40")], read("A1", "Sheet1", "/w/other.xlsx"), "deny"],
  [
    "the whole file instead",
    [cells("read", "Sheet1!A1:D40")],
    { op: "open", path: BOOK, flags: 1, mode: 0 },
    "deny",
  ],
  ["to write what may be read", [cells("read", "Sheet1!A1:D40")], write("A1"), "deny"],
  ["the written cells", [cells("write", "Sheet1!B2:B9")], write("B2:B9"), "allow"],
  ["one more written cell", [cells("write", "Sheet1!B2:B9")], write("B2:B10"), "deny"],
  ["cells to the side", [cells("write", "Sheet1!B2:B9")], write("A2:B2"), "deny"],
  ["cells of a file that may be read as a whole", [path("read", "/w/*.xlsx")], read("A1"), "allow"],
  [
    "cells of a file that may be read if it is a text",
    [{ ...path("read", "/w/*.xlsx"), mimeTypes: ["text/*"] }],
    read("A1"),
    "deny",
  ],
])("%s", (_what, grants, request, verdict) => {
  expect(said(grants, request)).toBe(verdict);
});
