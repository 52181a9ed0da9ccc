import type { CellRange } from "../../policy/capability/capability.ts";
import { type CellValue, type FoundRow, readSheet, type SheetText, sharedStrings } from "./cells.ts";
import { openWorkbook, partText, type Workbook } from "./parts.ts";
import { workbookProblem } from "./problem.ts";
import { attributesOf, escapeXml, xmlTokens } from "./xml.ts";
import { withContent, writeZip } from "./zip.ts";

const NO_ROWS = { fromRow: 0, toRow: -1 };

/** Values of a range, row by row. */
export type Cells = readonly (readonly CellValue[])[];

/**
 * The values of the cells of `range` and of no other. Pure: bytes of an .xlsx or .xlsm file in, values out. Throws INVALID with the
 * reason for what it can not read for certain.
 */
export function readCells(bytes: Buffer, sheet: string, range: CellRange): Cells {
  const book = openWorkbook(bytes, sheet);
  const { fromRow, toRow, fromColumn, toColumn } = range;
  const { rows } = readSheet(partText(book.entries, book.sheet), stringsOf(book), range);
  const values = Array.from({ length: toRow - fromRow + 1 }, () =>
    new Array<CellValue>(toColumn - fromColumn + 1).fill(null),
  );
  for (const { row, cells } of rows) {
    if (row < fromRow || row > toRow) continue;
    for (const { column, value } of cells)
      if (column >= fromColumn && column <= toColumn) values[row - fromRow]![column - fromColumn] = value;
  }
  return values;
}

/**
 * The workbook with `values` in the cells from (`fromColumn`, `fromRow`) on, and everything else as it was: styles, formulas, other
 * sheets, macros, charts. A text is stored as a text, so that "=1+1" does not become a formula. Refuses to overwrite a formula and
 * to change a signed workbook. Spreadsheet programs compute all formulas anew when they open it.
 */
export function writeCells(
  bytes: Buffer,
  sheet: string,
  at: { readonly fromColumn: number; readonly fromRow: number },
  values: Cells,
): Buffer {
  const book = openWorkbook(bytes, sheet);
  if (book.entries.some(({ name }) => name.startsWith("_xmlsignatures/")))
    throw workbookProblem("it is signed, and a change would make the signature wrong");
  const text = partText(book.entries, book.sheet);
  const changed = changeSheet(text, readSheet(text, [], NO_ROWS), at, values);
  const main = recomputed(partText(book.entries, book.main));
  return writeZip(
    book.entries.map((entry) =>
      entry.name === book.sheet
        ? withContent(entry, Buffer.from(changed))
        : entry.name === book.main
          ? withContent(entry, Buffer.from(main))
          : entry,
    ),
  );
}

function stringsOf(book: Workbook): readonly string[] {
  return book.sharedStrings === null ? [] : sharedStrings(partText(book.entries, book.sharedStrings));
}

function changeSheet(
  text: string,
  sheet: SheetText,
  { fromColumn, fromRow }: { readonly fromColumn: number; readonly fromRow: number },
  values: Cells,
): string {
  const pieces: string[] = [];
  const prefix = /<([\w.-]+:)?sheetData/.exec(text)?.[1] ?? "";
  let kept = 0;
  const keepTo = (place: number): void => {
    pieces.push(text.slice(kept, place));
    kept = place;
  };
  if (sheet.isEmptyElement) {
    const start = text.lastIndexOf("<", sheet.start - 1);
    keepTo(start);
    pieces.push(`<${prefix}sheetData>`);
    kept = sheet.end;
  }
  let next = 0;
  for (const [i, line] of values.entries()) {
    const number = fromRow + i;
    while (sheet.rows[next] !== undefined && sheet.rows[next]!.row < number) next++;
    const row = sheet.rows[next];
    if (row === undefined || row.row !== number) {
      if (!sheet.isEmptyElement) keepTo(row?.start ?? sheet.end);
      if (line.every((value) => value === null)) continue;
      const cells = line.map((value, j) => cellText(prefix, fromColumn + j, number, undefined, value));
      pieces.push(`<${prefix}row r="${number + 1}">${cells.join("")}</${prefix}row>`);
      continue;
    }
    keepTo(row.start);
    pieces.push(changedRow(text, row, fromColumn, line, prefix));
    kept = row.end;
  }
  if (sheet.isEmptyElement) pieces.push(`</${prefix}sheetData>`);
  pieces.push(text.slice(kept));
  return pieces.join("");
}

function changedRow(
  text: string,
  row: FoundRow,
  fromColumn: number,
  line: readonly CellValue[],
  prefix: string,
): string {
  const isEmpty = row.close === row.end;
  const tag = text.slice(row.start, row.inside).replace(/\sspans="[^"]*"/, "");
  const pieces = [isEmpty ? tag.replace(/\s*\/>$/, ">") : tag];
  const old = new Map(row.cells.map((cell) => [cell.column, cell]));
  const columns = new Set([...old.keys(), ...line.map((_, j) => fromColumn + j)]);
  for (const column of [...columns].sort((a, b) => a - b)) {
    const cell = old.get(column);
    const isAsked = column >= fromColumn && column < fromColumn + line.length;
    if (!isAsked) pieces.push(text.slice(cell!.start, cell!.end));
    else if (cell?.formula === "own")
      throw workbookProblem(`cell ${cellName(column, row.row)} holds a formula, which is not overwritten`);
    else pieces.push(cellText(prefix, column, row.row, cell?.style, line[column - fromColumn]!));
  }
  pieces.push(isEmpty ? `</${prefix}row>` : text.slice(row.close, row.end));
  return pieces.join("");
}

function cellText(
  prefix: string,
  column: number,
  row: number,
  style: string | undefined,
  value: CellValue,
): string {
  const keeps = style === undefined ? "" : ` s="${escapeXml(style)}"`;
  const head = `<${prefix}c r="${cellName(column, row)}"${keeps}`;
  if (value === null) return style === undefined ? "" : `${head}/>`;
  const plain = (type: string, inside: string): string =>
    `${head}${type}><${prefix}v>${inside}</${prefix}v></${prefix}c>`;
  if (typeof value === "number") return plain("", String(value));
  if (typeof value === "boolean") return plain(' t="b"', value ? "1" : "0");
  const inside = `<${prefix}is><${prefix}t xml:space="preserve">${escapeXml(value)}</${prefix}t></${prefix}is>`;
  return `${head} t="inlineStr">${inside}</${prefix}c>`;
}

function cellName(column: number, row: number): string {
  let letters = "";
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters;
  return `${letters}${row + 1}`;
}

/** Parts of a workbook that stand before calcPr (ECMA-376 part 1, 18.2.27). */
const BEFORE = new Set(["sheets", "functionGroups", "externalReferences", "definedNames"]);

/** The workbook part, told to compute everything when it is opened. */
function recomputed(text: string): string {
  let place = -1;
  for (const token of xmlTokens(text)) {
    if (token.kind === "text") continue;
    if (token.name === "calcPr" && token.kind !== "close") {
      const tag = text.slice(token.start, token.end);
      if (attributesOf(text, token.start, token.end).has("fullCalcOnLoad"))
        return splice(text, token, tag.replace(/fullCalcOnLoad\s*=\s*["'][^"']*["']/, 'fullCalcOnLoad="1"'));
      return splice(text, token, tag.replace(/(\/?>)$/, ' fullCalcOnLoad="1"$1'));
    }
    if (BEFORE.has(token.name) && token.kind !== "open") place = token.end;
  }
  if (place === -1) throw workbookProblem("its XML is damaged");
  const prefix = /<([\w.-]+:)?sheets[\s>]/.exec(text)?.[1] ?? "";
  return `${text.slice(0, place)}<${prefix}calcPr fullCalcOnLoad="1"/>${text.slice(place)}`;
}

function splice(text: string, { start, end }: { start: number; end: number }, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}
