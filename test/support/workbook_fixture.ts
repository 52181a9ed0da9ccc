import { crc32, deflateRawSync } from "node:zlib";
import { writeZip, type ZipEntry } from "../../src/files/workbook/zip.ts";

const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";

/** Parts of a workbook as spreadsheet programs write them: two sheets, styles, shared texts, formulas, a chart sheet's stand-in. */
export const PARTS: Readonly<Record<string, string>> = {
  "[Content_Types].xml": `<?xml version="1.0"?><Types xmlns="${PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`,
  "_rels/.rels": `<?xml version="1.0"?><Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  "xl/workbook.xml": `<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/><sheet name="Q&amp;A" sheetId="2" r:id="rId2"/></sheets><definedNames><definedName name="x">Sheet1!$A$1</definedName></definedNames></workbook>`,
  "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${OFFICE}/worksheet" Target="/xl/worksheets/sheet2.xml"/><Relationship Id="rId3" Type="${OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
  "xl/sharedStrings.xml": `<sst xmlns="${MAIN}"><si><t>name</t></si><si><r><t>to</t></r><r><rPr><b/></rPr><t xml:space="preserve">tal </t></r><rPh><t>x</t></rPh></si><si><t>&lt;&#x1f600;&gt;</t></si></sst>`,
  "xl/worksheets/sheet1.xml": `<worksheet xmlns="${MAIN}"><dimension ref="A1:D4"/><sheetData>
<row r="1" spans="1:4"><c r="A1" s="2" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="D1" t="s"><v>2</v></c></row>
<row r="2"><c r="A2"><v>1.5</v></c><c r="B2"><f>A2*2</f><v>3</v></c><c r="C2" t="b"><v>1</v></c><c r="D2" t="e"><v>#REF!</v></c></row>
<row r="4"><c r="A4" t="inlineStr"><is><t>in &amp; line</t></is></c><c r="C4" s="5"/></row></sheetData><pageMargins left="0.7"/></worksheet>`,
  "xl/worksheets/sheet2.xml": `<x:worksheet xmlns:x="${MAIN}"><x:sheetData/></x:worksheet>`,
  "xl/styles.xml": `<styleSheet xmlns="${MAIN}"/>`,
};

export function entry(name: string, content: string | Buffer): ZipEntry {
  const bytes = Buffer.from(content as string);
  return {
    name,
    method: 8,
    crc: crc32(bytes),
    sizeBytes: bytes.length,
    time: 0,
    date: 0x21,
    data: deflateRawSync(bytes),
  };
}

/** A workbook of those parts, some of them replaced, taken out (null) or added. */
export function workbook(changes: Readonly<Record<string, string | null>> = {}): Buffer {
  const parts = { ...PARTS, ...changes };
  return writeZip(
    Object.entries(parts).flatMap(([name, content]) => (content === null ? [] : [entry(name, content)])),
  );
}
