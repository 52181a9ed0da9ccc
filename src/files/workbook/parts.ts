import { workbookProblem } from "./problem.ts";
import { attributesOf, xmlTokens } from "./xml.ts";
import { inflate, readZip, type ZipEntry } from "./zip.ts";

/** Inflated bytes of one part, and of what is read of a workbook altogether about three times as much. */
export const MAX_PART_BYTES: number = 64 * 1024 * 1024;

export type Workbook = {
  readonly entries: readonly ZipEntry[];
  /** Names of parts. */
  readonly main: string;
  readonly sheet: string;
  readonly sharedStrings: string | null;
};

/**
 * Finds the parts of a sheet (ECMA-376 part 1, 12 and 18). Throws INVALID for what is no workbook, and with ENOENT when it has
 * no such sheet. Names of sheets are compared exactly.
 */
export function openWorkbook(bytes: Buffer, sheet: string): Workbook {
  const entries = readZip(bytes);
  const main = targetOf(entries, "", "_rels/.rels", (type) => type.endsWith("/officeDocument"));
  if (main === null) throw workbookProblem("it is no workbook");
  const slash = main.lastIndexOf("/") + 1;
  const folder = main.slice(0, slash);
  const relations = `${folder}_rels/${main.slice(slash)}.rels`;
  const id = sheetId(partText(entries, main), sheet);
  const part = targetOf(entries, folder, relations, (type, own) => own === id && type.endsWith("/worksheet"));
  if (part === null) throw workbookProblem(`its sheet ${JSON.stringify(sheet)} holds no cells`);
  const sharedStrings = targetOf(entries, folder, relations, (type) => type.endsWith("/sharedStrings"));
  return { entries, main, sheet: part, sharedStrings };
}

export function partText(entries: readonly ZipEntry[], name: string): string {
  const entry = entries.find((one) => one.name === name);
  if (entry === undefined) throw workbookProblem(`its part ${JSON.stringify(name)} is missing`);
  const text = inflate(entry, MAX_PART_BYTES).toString("utf8");
  if (
    /^\ufeff?\s*<\?xml[^>]*encoding\s*=\s*["'](?!utf-?8["'])/i.test(text.slice(0, 200)) ||
    text.includes("\0")
  )
    throw workbookProblem(`its part ${JSON.stringify(name)} is not in UTF-8`);
  return text;
}

function sheetId(text: string, sheet: string): string {
  const names: string[] = [];
  for (const token of xmlTokens(text)) {
    if (token.kind === "text" || token.kind === "close" || token.name !== "sheet") continue;
    const attributes = attributesOf(text, token.start, token.end);
    const name = attributes.get("name") ?? "";
    if (name === sheet) {
      for (const [key, value] of attributes) if (key.endsWith(":id")) return value;
    }
    names.push(name);
  }
  throw workbookProblem(
    `it has no sheet ${JSON.stringify(sheet)}, but ${names
      .slice(0, 16)
      .map((name) => JSON.stringify(name))
      .join(", ")}`,
    "ENOENT",
  );
}

function targetOf(
  entries: readonly ZipEntry[],
  folder: string,
  relations: string,
  wanted: (type: string, id: string) => boolean,
): string | null {
  const text = partText(entries, relations);
  for (const token of xmlTokens(text)) {
    if (token.kind === "text" || token.kind === "close" || token.name !== "Relationship") continue;
    const attributes = attributesOf(text, token.start, token.end);
    if (!wanted(attributes.get("Type") ?? "", attributes.get("Id") ?? "")) continue;
    if (attributes.get("TargetMode") === "External") throw workbookProblem("its sheet lies in another file");
    const target = attributes.get("Target") ?? "";
    return target.startsWith("/") ? target.slice(1) : `${folder}${target}`;
  }
  return null;
}
