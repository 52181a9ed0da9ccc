import { workbookProblem } from "./problem.ts";
import { attributesOf, textOf, xmlTokens } from "./xml.ts";

/** What a cell holds: of a formula its last result, of an error its name as "#REF!", of an empty cell null. */
export type CellValue = string | number | boolean | null;

/** A cell of a sheet's text: `start` to `end` is its element. */
export type FoundCell = {
  readonly column: number;
  readonly row: number;
  readonly start: number;
  readonly end: number;
  readonly style: string | undefined;
  readonly value: CellValue;
  readonly formula: "none" | "own";
};

export type FoundRow = {
  readonly row: number;
  readonly start: number;
  /** Where its opening tag ends, and its closing one starts; for an empty element both are its end. */
  readonly inside: number;
  readonly close: number;
  readonly end: number;
  readonly cells: readonly FoundCell[];
};

export type SheetText = {
  readonly rows: readonly FoundRow[];
  /** The inside of sheetData. */
  readonly start: number;
  readonly end: number;
  readonly isEmptyElement: boolean;
};

const MAX_CELLS = 1_000_000;

/** The shared strings of a workbook, without their phonetic helps. */
export function sharedStrings(text: string): readonly string[] {
  const strings: string[] = [];
  let current: string[] | null = null;
  let isText = false;
  let phonetic = 0;
  for (const token of xmlTokens(text)) {
    if (token.kind === "text") {
      if (isText && phonetic === 0) current?.push(textOf(text, token.start, token.end));
    } else if (token.name === "si") {
      if (token.kind === "open") current = [];
      else {
        strings.push(current?.join("") ?? "");
        current = null;
      }
    } else if (token.name === "t") isText = token.kind === "open";
    else if (token.name === "rPh") phonetic += token.kind === "open" ? 1 : token.kind === "close" ? -1 : 0;
  }
  return strings;
}

export type RowRange = { readonly fromRow: number; readonly toRow: number };

/** Reads a sheet. The values of rows that are not wanted are left out. */
export function readSheet(text: string, strings: readonly string[], wanted: RowRange): SheetText {
  const rows: FoundRow[] = [];
  let start = -1;
  let end = -1;
  let isEmptyElement = false;
  let row: { row: number; start: number; inside: number; cells: FoundCell[] } | null = null;
  let cell: CellParts | null = null;
  let count = 0;
  let inside = "";
  for (const token of xmlTokens(text)) {
    if (token.kind === "text") {
      if (cell !== null && (inside === "v" || inside === "t"))
        cell.text.push(textOf(text, token.start, token.end));
      continue;
    }
    const { kind, name } = token;
    if (name === "sheetData") {
      if (kind === "close") end = token.start;
      else start = token.end;
      if (kind === "empty") {
        end = token.end;
        isEmptyElement = true;
      }
    } else if (start === -1 || end !== -1) continue;
    else if (name === "row" && kind !== "close") {
      const number = attributesOf(text, token.start, token.end).get("r");
      const at = number === undefined ? (rows.at(-1)?.row ?? -1) + 1 : Number(number) - 1;
      if (!Number.isInteger(at) || at <= (rows.at(-1)?.row ?? -1))
        throw workbookProblem("its rows are out of order");
      row = { row: at, start: token.start, inside: token.end, cells: [] };
      if (kind === "empty") {
        rows.push({ ...row, close: token.end, end: token.end });
        row = null;
      }
    } else if (name === "row") {
      if (row === null) throw workbookProblem("its XML is damaged");
      rows.push({ ...row, close: token.start, end: token.end });
      row = null;
    } else if (name === "c" && row !== null) {
      if (kind !== "close") cell = startCell(text, token.start, token.end, row);
      if (kind === "open" || cell === null) continue;
      if (++count > MAX_CELLS) throw workbookProblem(`its sheet has more than ${MAX_CELLS} cells`);
      const isWanted = row.row >= wanted.fromRow && row.row <= wanted.toRow;
      row.cells.push(finished(cell, row.row, token.end, isWanted ? strings : null));
      cell = null;
    } else if (cell !== null) {
      inside = kind === "open" ? name : "";
      if (name === "f" && kind !== "close") cell.formula = "own";
    }
  }
  if (start === -1 || end === -1) throw workbookProblem("its sheet has no cells part");
  return { rows, start, end, isEmptyElement };
}

type CellParts = {
  readonly column: number;
  readonly start: number;
  readonly type: string;
  readonly style: string | undefined;
  readonly text: string[];
  formula: "none" | "own";
};

function startCell(
  text: string,
  start: number,
  end: number,
  row: { row: number; cells: FoundCell[] },
): CellParts {
  const attributes = attributesOf(text, start, end);
  const reference = attributes.get("r");
  const before = row.cells.at(-1)?.column ?? -1;
  const column = reference === undefined ? before + 1 : columnOf(reference, row.row);
  if (column <= before) throw workbookProblem("its cells are out of order");
  return {
    column,
    start,
    type: attributes.get("t") ?? "n",
    style: attributes.get("s"),
    text: [],
    formula: "none",
  };
}

function columnOf(reference: string, row: number): number {
  const [, letters, digits] = /^([A-Z]{1,3})(\d{1,7})$/.exec(reference) ?? [];
  if (letters === undefined || Number(digits) - 1 !== row)
    throw workbookProblem(`its cell ${JSON.stringify(reference)} is not where it says`);
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  return column - 1;
}

function finished(parts: CellParts, row: number, end: number, strings: readonly string[] | null): FoundCell {
  const { column, start, style, formula } = parts;
  const value = strings === null ? null : cellValue(parts.type, parts.text.join(""), strings);
  return { column, row, start, end, style, value, formula };
}

function cellValue(type: string, text: string, strings: readonly string[]): CellValue {
  if (type === "inlineStr" || type === "str" || type === "e" || type === "d") return text;
  if (text === "") return null;
  if (type === "s") {
    const string = strings[Number(text)];
    if (string === undefined) throw workbookProblem("a cell names a text that is not there");
    return string;
  }
  if (type === "b") return text === "1";
  const number = Number(text);
  if (type !== "n" || !Number.isFinite(number))
    throw workbookProblem("a cell has a value of an unknown kind");
  return number;
}
