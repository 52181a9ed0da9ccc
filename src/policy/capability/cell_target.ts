import { isCleanPath } from "../../protocol/path.ts";
import type { CellRange, Target } from "./capability.ts";

type Cells = Extract<Target, { readonly kind: "cells" }>;

/** Rows and columns of the largest sheet there is (ECMA-376: XFD1048576). */
const MAX_COLUMN = 16_383;
const MAX_ROW = 1_048_575;
const SHEET = /^[^\0-\x1f:\\/?*[\]!#]{1,31}$/;

/** "/w/book.xlsx#Sheet1!A1:D40", or one cell as "…!B2"; null for anything else. */
export function parseCells(text: string): Cells | null {
  const hash = text.lastIndexOf("#");
  const mark = text.lastIndexOf("!");
  if (hash < 0 || mark < hash) return null;
  const path = text.slice(0, hash);
  const sheet = text.slice(hash + 1, mark);
  const [from, to = from, ...more] = text.slice(mark + 1).split(":");
  const first = parseCell(from!);
  const last = parseCell(to!);
  if (!isCleanPath(path) || path === "/" || !SHEET.test(sheet) || more.length > 0) return null;
  if (first === null || last === null || last.column < first.column || last.row < first.row) return null;
  const range = {
    fromColumn: first.column,
    fromRow: first.row,
    toColumn: last.column,
    toRow: last.row,
  };
  return { kind: "cells", path, sheet, range };
}

/** The text that parseCells reads. */
export function formatCells({ path, sheet, range }: Cells): string {
  const from = `${columnName(range.fromColumn)}${range.fromRow + 1}`;
  const to = `${columnName(range.toColumn)}${range.toRow + 1}`;
  return `${path}#${sheet}!${from === to ? from : `${from}:${to}`}`;
}

/** Whether all of `asked` are among the granted cells. */
export function cellsHold(granted: Cells, asked: Cells): boolean {
  return granted.path === asked.path && granted.sheet === asked.sheet && isInside(asked.range, granted.range);
}

function isInside(inner: CellRange, outer: CellRange): boolean {
  return (
    inner.fromColumn >= outer.fromColumn &&
    inner.toColumn <= outer.toColumn &&
    inner.fromRow >= outer.fromRow &&
    inner.toRow <= outer.toRow
  );
}

function parseCell(text: string): { readonly column: number; readonly row: number } | null {
  const [, letters, digits] = /^([A-Z]{1,3})([1-9]\d{0,6})$/.exec(text) ?? [];
  if (letters === undefined) return null;
  const column = [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
  const row = Number(digits) - 1;
  return column <= MAX_COLUMN && row <= MAX_ROW ? { column, row } : null;
}

function columnName(column: number): string {
  const before = Math.floor(column / 26);
  const letter = String.fromCharCode(65 + (column % 26));
  return before === 0 ? letter : columnName(before - 1) + letter;
}
