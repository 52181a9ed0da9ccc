import * as field from "./field.ts";
import { MAX_CELL_BYTES, MAX_CELLS, MAX_COLUMN, MAX_ROW, MAX_SHEET_BYTES } from "./limits.ts";
import type { CellRange, CellValue } from "./message.ts";

type Frame = "request" | "reply";

/** The name of a sheet, as its tab shows it. */
export function sheet(value: unknown): string {
  return field.text("request", "sheet", value, 1, MAX_SHEET_BYTES);
}

/** `[from column, from row, to column, to row]`, both ends within. */
export function cellRange(value: unknown): CellRange {
  const [fromColumn, fromRow, toColumn, toRow] = field.tuple("request", "range", value, 4);
  const first = cellPlace([fromColumn, fromRow]);
  const range = {
    ...first,
    toColumn: field.integer("request", "range[2]", toColumn, first.fromColumn, MAX_COLUMN),
    toRow: field.integer("request", "range[3]", toRow, first.fromRow, MAX_ROW),
  };
  if (cellsOf(range) <= MAX_CELLS) return range;
  throw field.invalid("request", "range", value, `at most ${MAX_CELLS} cells`);
}

/** `[column, row]` of the first cell. */
export function cellPlace(value: unknown): { readonly fromColumn: number; readonly fromRow: number } {
  const [fromColumn, fromRow] = field.tuple("request", "at", value, 2);
  return {
    fromColumn: field.integer("request", "at[0]", fromColumn, 0, MAX_COLUMN),
    fromRow: field.integer("request", "at[1]", fromRow, 0, MAX_ROW),
  };
}

/** Rows of equal length, none empty. */
export function cellValues(frame: Frame, value: unknown): readonly (readonly CellValue[])[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_CELLS)
    throw field.invalid(frame, "values", value, `an array of 1 to ${MAX_CELLS} rows`);
  const width: unknown = Array.isArray(value[0]) ? value[0].length : 0;
  if (width === 0 || (width as number) * value.length > MAX_CELLS)
    throw field.invalid(frame, "values", value, `rows of together 1 to ${MAX_CELLS} cells`);
  return value.map((line: unknown, row) =>
    field
      .tuple(frame, `values[${row}]`, line, width as number)
      .map((cell, column) => cellValue(frame, `values[${row}][${column}]`, cell)),
  );
}

function cellValue(frame: Frame, name: string, value: unknown): CellValue {
  if (value === null) return value;
  if (value instanceof Uint8Array && value.length === 1 && value[0]! <= 1) return value[0] === 1;
  if (typeof value === "string") return field.text(frame, name, value, 0, MAX_CELL_BYTES);
  return field.figure(frame, name, value);
}

export function cellsOf({ fromColumn, fromRow, toColumn, toRow }: CellRange): number {
  return (toColumn - fromColumn + 1) * (toRow - fromRow + 1);
}
