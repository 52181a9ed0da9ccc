import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CellValue } from "../../../../src/files/workbook/cells.ts";
import { readCells, writeCells } from "../../../../src/files/workbook/workbook.ts";
import { inflate, readZip, writeZip } from "../../../../src/files/workbook/zip.ts";
import { entry, PARTS, workbook } from "../../../support/workbook_fixture.ts";

const range = (fromColumn: number, fromRow: number, toColumn: number, toRow: number) => ({
  fromColumn,
  fromRow,
  toColumn,
  toRow,
});

/** What Python's own reader of archives and XML finds in a sheet: another pair of eyes. */
const ORACLE = `
import sys, json, io, zipfile, xml.etree.ElementTree as E
z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert z.testzip() is None
n = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'
s = ["".join(t.text or "" for t in i.iter(n+'t') if True) for i in E.fromstring(z.read('xl/sharedStrings.xml')).iter(n+'si')]
out = {}
for c in E.fromstring(z.read(sys.argv[1])).iter(n+'c'):
  t, v = c.get('t'), c.findtext(n+'v')
  if t == 's': v = s[int(v)]
  if t == 'inlineStr': v = "".join(x.text or "" for x in c.iter(n+'t'))
  out[c.get('r')] = [t, v, c.get('s'), c.findtext(n+'f')]
json.dump(out, sys.stdout)`;
function oracle(bytes: Buffer, part = "xl/worksheets/sheet1.xml"): Record<string, unknown> {
  return JSON.parse(execFileSync("python3", ["-c", ORACLE, part], { input: bytes, encoding: "utf8" }));
}

const contentOf = (bytes: Buffer, name: string): string =>
  inflate(readZip(bytes).find((one) => one.name === name)!, 1e6).toString();

describe("reading cells", () => {
  it("gives the values of the range and of no other cell", () => {
    expect(readCells(workbook(), "Sheet1", range(0, 0, 3, 3))).toEqual([
      ["name", "total ", null, "<😀>"],
      [1.5, 3, true, "#REF!"],
      [null, null, null, null],
      ["in & line", null, null, null],
    ]);
    expect(readCells(workbook(), "Sheet1", range(1, 1, 1, 1))).toEqual([[3]]);
    expect(readCells(workbook(), "Q&A", range(0, 0, 1, 0))).toEqual([[null, null]]);
  });
});

describe("writing cells", () => {
  it("changes just these cells, and keeps styles, formulas and every other part", () => {
    const before = workbook();
    const after = writeCells(before, "Sheet1", { fromColumn: 0, fromRow: 0 }, [["=1+1 & <x>", 'a "b"']]);
    const [old, now] = [oracle(before), oracle(after)];
    expect(now).toEqual({
      ...old,
      A1: ["inlineStr", "=1+1 & <x>", "2", null],
      B1: ["inlineStr", 'a "b"', null, null],
    });
    for (const { name } of readZip(before)) {
      if (name === "xl/worksheets/sheet1.xml" || name === "xl/workbook.xml") continue;
      expect(contentOf(after, name)).toBe(PARTS[name]);
    }
    expect(contentOf(after, "xl/worksheets/sheet1.xml")).toContain('<pageMargins left="0.7"/>');
    expect(contentOf(after, "xl/workbook.xml")).toContain('</definedNames><calcPr fullCalcOnLoad="1"/>');
  });

  it("makes rows and cells that were not there, and takes values away", () => {
    const values = [
      [7, null],
      [null, false],
      ["x", null],
    ];
    const after = writeCells(workbook(), "Sheet1", { fromColumn: 2, fromRow: 1 }, values);
    expect(oracle(after)).toMatchObject({
      C2: [null, "7", null, null],
      D3: ["b", "0", null, null],
      C4: ["inlineStr", "x", "5", null],
      A4: ["inlineStr", "in & line", null, null],
    });
    expect(oracle(after)).not.toHaveProperty("D2");
    const second = writeCells(after, "Q&A", { fromColumn: 27, fromRow: 9 }, [["far"]]);
    expect(oracle(second, "xl/worksheets/sheet2.xml")).toEqual({ AB10: ["inlineStr", "far", null, null] });
  });

  it("comes back as it was written", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((number) => (Object.is(number, -0) ? 0 : number)),
      fc
        .string({ unit: "grapheme", minLength: 1 })
        .filter((text) => !/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text)),
    );
    const places = fc.record({
      fromColumn: fc.nat(30),
      fromRow: fc.nat(6),
      values: fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 4 }),
    });
    const plain = workbook({
      "xl/worksheets/sheet1.xml": PARTS["xl/worksheets/sheet1.xml"]!.replace("<f>A2*2</f>", ""),
    });
    fc.assert(
      fc.property(places, ({ fromColumn, fromRow, values }) => {
        const after = writeCells(plain, "Sheet1", { fromColumn, fromRow }, values);
        const written = range(fromColumn, fromRow, fromColumn + 1, fromRow + values.length - 1);
        expect(readCells(after, "Sheet1", written)).toEqual(values);
        const around = readCells(after, "Sheet1", range(0, 0, 40, 12));
        for (const [row, line] of readCells(plain, "Sheet1", range(0, 0, 40, 12)).entries())
          for (const [column, old] of line.entries()) {
            const isWritten =
              column >= fromColumn &&
              column <= fromColumn + 1 &&
              row >= fromRow &&
              row < fromRow + values.length;
            if (!isWritten) expect(around[row]![column]).toEqual(old);
          }
      }),
      { numRuns: 100 },
    );
  });
});

describe("what is refused, with its reason", () => {
  const sheet = (rows: string): Buffer =>
    workbook({ "xl/worksheets/sheet1.xml": `<worksheet><sheetData>${rows}</sheetData></worksheet>` });
  const read = (bytes: Buffer, name = "Sheet1"): unknown => readCells(bytes, name, range(0, 0, 1, 1));
  const huge = { ...entry("xl/workbook.xml", "x"), sizeBytes: 1 << 30 };
  const packed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = workbook();
    change(bytes);
    return bytes;
  };

  it.each<[string, () => unknown, RegExp]>([
    ["no archive", () => read(Buffer.from("a,b\n1,2\n")), /no Office Open XML/],
    ["an old workbook", () => read(Buffer.from("d0cf11e0a1b11ae1", "hex")), /no Office Open XML/],
    ["an empty file", () => read(Buffer.alloc(0)), /no Office Open XML/],
    ["another kind of document", () => read(workbook({ "_rels/.rels": "<Relationships/>" })), /no workbook/],
    ["a sheet that is not there", () => read(workbook(), "sheet1"), /no sheet "sheet1", but "Sheet1", "Q&A"/],
    ["a missing part", () => read(workbook({ "xl/worksheets/sheet1.xml": null })), /is missing/],
    ["an encrypted part", () => read(packed((bytes) => markAll(bytes, 8, 1))), /encrypted/],
    ["a part of another method", () => read(packed((bytes) => markAll(bytes, 10, 12))), /method/],
    ["a bomb", () => read(writeZip([entry("_rels/.rels", PARTS["_rels/.rels"]!), huge])), /larger than/],
    [
      "a size that is too small",
      () => read(writeZip([{ ...entry("_rels/.rels", PARTS["_rels/.rels"]!), sizeBytes: 9 }])),
      /damaged/,
    ],
    [
      "a wrong checksum",
      () => read(writeZip([{ ...entry("_rels/.rels", PARTS["_rels/.rels"]!), crc: 1 }])),
      /damaged/,
    ],
    ["two parts of one name", () => read(writeZip([entry("a", "1"), entry("a", "2")])), /two of its parts/],
    [
      "an external sheet",
      () =>
        read(
          workbook({
            "xl/_rels/workbook.xml.rels": PARTS["xl/_rels/workbook.xml.rels"]!.replaceAll(
              'Target="worksheets',
              'TargetMode="External" Target="worksheets',
            ),
          }),
        ),
      /another file/,
    ],
    [
      "a document type",
      () => read(workbook({ "xl/sharedStrings.xml": '<!DOCTYPE x [<!ENTITY a "b">]><sst/>' })),
      /document type/,
    ],
    [
      "another encoding",
      () => read(workbook({ "xl/workbook.xml": '<?xml version="1.0" encoding="UTF-7"?>' })),
      /not in UTF-8/,
    ],
    ["rows out of order", () => read(sheet('<row r="2"></row><row r="1"></row>')), /out of order/],
    ["cells out of order", () => read(sheet('<row r="1"><c r="B1"/><c r="A1"/></row>')), /out of order/],
    [
      "a cell that lies about its row",
      () => read(sheet('<row r="1"><c r="A2"><v>1</v></c></row>')),
      /not where it says/,
    ],
    [
      "a shared text that is not there",
      () => read(sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')),
      /not there/,
    ],
    [
      "a value of another kind",
      () => read(sheet('<row r="1"><c r="A1" t="q"><v>1</v></c></row>')),
      /unknown kind/,
    ],
    ["a tag without end", () => read(sheet("<row")), /damaged/],
    ["no cells part", () => read(workbook({ "xl/worksheets/sheet1.xml": "<worksheet/>" })), /no cells/],
    [
      "a formula that would be lost",
      () => writeCells(workbook(), "Sheet1", { fromColumn: 1, fromRow: 1 }, [[1]]),
      /B2 holds a formula/,
    ],
    [
      "a signed workbook",
      () =>
        writeCells(workbook({ "_xmlsignatures/sig1.xml": "" }), "Sheet1", { fromColumn: 0, fromRow: 0 }, [
          [1],
        ]),
      /signed/,
    ],
    [
      "a control character",
      () => writeCells(workbook(), "Sheet1", { fromColumn: 0, fromRow: 0 }, [["\u0001"]]),
      /control character/,
    ],
  ])("%s", (_what, act, message) => {
    expect(act).toThrow(message);
  });

  it("whatever bytes are changed, it ends with values or a reason", () => {
    const whole = workbook();
    const reasons = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (flips) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of flips) bytes[at] = value;
          try {
            const values: readonly (readonly CellValue[])[] = readCells(bytes, "Sheet1", range(0, 0, 3, 3));
            expect(values.length).toBe(4);
          } catch (error) {
            expect((error as { code?: string }).code, String(error)).toBe("INVALID");
            reasons.add((error as Error).message);
          }
        },
      ),
      { numRuns: 2000 },
    );
    expect(reasons.size).toBeGreaterThan(3);
  });
});

/** Writes 16 bits at an offset of every record of the directory. */
function markAll(bytes: Buffer, offset: number, value: number): void {
  for (let at = bytes.indexOf("PK\u0001\u0002"); at !== -1; at = bytes.indexOf("PK\u0001\u0002", at + 1))
    bytes.writeUInt16LE(value, at + offset);
}
