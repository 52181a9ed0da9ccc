import { workbookProblem } from "./problem.ts";

/** A tag or a stretch of text, with its place in the document. Names are without their namespace prefix. */
export type XmlToken =
  | {
      readonly kind: "open" | "close" | "empty";
      readonly name: string;
      readonly start: number;
      readonly end: number;
    }
  | { readonly kind: "text"; readonly start: number; readonly end: number };

/**
 * Walks over the tags of a document in one pass. No entity is defined by a document (DOCTYPE is refused), so that nothing can
 * grow. Throws INVALID for what is not well-formed enough to be sure.
 */
export function* xmlTokens(text: string): Generator<XmlToken> {
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("<", at);
    if (open === -1) return;
    if (open > at) yield { kind: "text", start: at, end: open };
    if (text.startsWith("<!--", open)) at = after(text, "-->", open);
    else if (text.startsWith("<![CDATA[", open)) {
      at = after(text, "]]>", open);
      yield { kind: "text", start: open, end: at };
    } else if (text.startsWith("<?", open)) at = after(text, "?>", open);
    else if (text.startsWith("<!", open)) throw workbookProblem("it holds a document type definition");
    else {
      const end = endOfTag(text, open);
      const closes = text[open + 1] === "/";
      const from = open + (closes ? 2 : 1);
      const name = /^(?:[\w.-]+:)?([\w.-]+)/.exec(text.slice(from, Math.min(end, from + 128)))?.[1];
      if (name === undefined) throw workbookProblem("its XML is damaged");
      yield { kind: closes ? "close" : text[end - 2] === "/" ? "empty" : "open", name, start: open, end };
      at = end;
    }
  }
}

/** The attributes of the tag at `start`, by their names with prefix. */
export function attributesOf(text: string, start: number, end: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name, double, single] of text
    .slice(start, end)
    .matchAll(/\s([\w.:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g))
    found.set(name!, unescapeXml(double ?? single ?? ""));
  return found;
}

/** The text of one text token. */
export function textOf(text: string, start: number, end: number): string {
  return text.startsWith("<![CDATA[", start)
    ? text.slice(start + 9, end - 3)
    : unescapeXml(text.slice(start, end));
}

/** Text for an element or an attribute. What XML 1.0 can not hold is refused. */
export function escapeXml(value: string): string {
  if (UNFIT.test(value)) throw workbookProblem("a value has a control character, which no workbook can hold");
  return value.replace(/[&<>"\r]/g, (char) => ESCAPES[char]!);
}

// XML 1.0, 2.2
const UNFIT = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#13;",
};
const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex, decimal, name: string) => {
    const point = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal);
    if (name !== undefined) return NAMED[name] ?? whole;
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

function endOfTag(text: string, open: number): number {
  let quote = "";
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") quote = char;
    else if (char === ">") return at + 1;
    else if (char === "<") break;
  }
  throw workbookProblem("its XML is damaged");
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  if (found === -1) throw workbookProblem("its XML is damaged");
  return found + mark.length;
}
