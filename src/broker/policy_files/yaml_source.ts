import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";
import type { Finding, Path, Place, Source } from "../../policy/lint/finding.ts";
import { type Complaint, complaintOf, looksLike } from "./yaml_complaints.ts";

export type ReadSource = { readonly source: Source; readonly findings: readonly Finding[] };

/** Parses a policy file and keeps where everything is. `source` holds null where the text is no YAML; `findings` say why. */
export function readYamlSource(text: string): ReadSource {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const document = Array.isArray(documents) ? documents[0] : undefined;
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const say = (offset: number, { rule, severity, problem, mend }: Complaint): Finding => ({
    rule,
    severity,
    ...placeAt(offset),
    field: "",
    problem,
    mend,
  });
  const findings: Finding[] = [];
  if (document === undefined || document.contents === null) {
    findings.push(say(0, looksLike("empty")));
    return { source: { text, value: null, place: () => ({ line: 1, column: 1 }) }, findings };
  }
  const second = Array.isArray(documents) ? documents[1] : undefined;
  if (second !== undefined) findings.push(say(second.range[0], looksLike("several documents")));
  const complain = (error: YAMLError): Finding => {
    const { line } = placeAt(error.pos[0]);
    return say(
      error.pos[0],
      complaintOf(error.code, error.message, lineAt(text, line), lineAt(text, line - 1)),
    );
  };
  findings.push(...independent([...document.errors, ...document.warnings]).map(complain));
  const anchors = new Set<string>();
  visit(document, {
    Alias: (_, node) => {
      const what = anchors.has(node.source) ? "alias" : "star";
      findings.push(say(node.range?.[0] ?? 0, looksLike(what)));
    },
    Node: (_, node) => {
      if ("anchor" in node && node.anchor !== undefined) anchors.add(node.anchor);
    },
    Scalar: (_, node) => {
      if (isLeadingZero(node.source, node.type))
        findings.push(say(node.range?.[0] ?? 0, looksLike("leading zero")));
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === "<<")
        findings.push(say(pair.key.range?.[0] ?? 0, looksLike("merge key")));
    },
  });
  const value = document.errors.length + document.warnings.length > 0 ? null : plainOf(document);
  return { source: { text, value, place: (at, what) => placeAt(offsetOf(document, at, what)) }, findings };
}

/** A text without anchors stays small; with them it could be a bomb, and is refused anyway. */
function plainOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    // Aliases are findings already.
    return null;
  }
}

/** The errors behind the first one are mostly its consequences; a key that is there twice is none. */
function independent(errors: readonly YAMLError[]): YAMLError[] {
  const plain = errors.filter(({ code }) => code === "DUPLICATE_KEY" || code === "TAG_RESOLVE_FAILED");
  return [...plain, ...errors.filter((error) => !plain.includes(error)).slice(0, 1)];
}

function lineAt(text: string, line: number): string {
  return text.split("\n")[line - 1] ?? "";
}

function isLeadingZero(source: string | undefined, type: string | undefined): boolean {
  return type === "PLAIN" && source !== undefined && /^[-+]?0[0-9]+$/.test(source);
}

function offsetOf(document: Document, at: Path, what: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = rangeOf(node) ?? 0;
  for (const [depth, step] of at.entries()) {
    const last = depth === at.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((one) => isPair(one) && keyOf(one.key) === String(step));
      if (pair === undefined) return offset;
      const keyOffset = rangeOf(pair.key) ?? offset;
      node = pair.value;
      offset = last && what === "key" ? keyOffset : (valueOffset(node) ?? keyOffset);
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (item === undefined) return offset;
      node = item;
      offset = rangeOf(node) ?? offset;
    } else return offset;
    if (isAlias(node)) return offset;
  }
  return offset;
}

/** Of a list or mapping in block style the first entry; an empty value has no place of its own. */
function valueOffset(node: unknown): number | null {
  if (isScalar(node) && node.value === null && node.source === "") return null;
  return rangeOf(node);
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function rangeOf(node: unknown): number | null {
  if (isScalar(node) || isCollection(node) || isAlias(node)) return node.range?.[0] ?? null;
  return null;
}
