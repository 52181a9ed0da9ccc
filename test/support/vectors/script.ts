import { decode, encodeRequest } from "../../../src/protocol/codec.ts";
import type { CellValue, WireRequest } from "../../../src/protocol/message.ts";

/** A request as a line of a script for a driver (test/shim/driver.h says how it is written). */
export function scriptLine(request: WireRequest): string {
  const fields = (decode(encodeRequest(1, request)) as readonly unknown[]).slice(2).map(field);
  if (request.op === "utimens") {
    fields[1] = String(request.accessed);
    fields[2] = String(request.modified);
  }
  if (request.op === "write-cells")
    fields[3] = request.values.map((row) => row.map(cell).join(",")).join(";");
  return [request.op, ...fields].join("\t");
}

function cell(value: CellValue): string {
  if (value === null) return "e";
  if (typeof value === "string") return `s${encode(value)}`;
  if (typeof value === "boolean") return `b${Number(value)}`;
  return `n${value}`;
}

function field(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return `${value.length}:${value.map((entry) => encode(String(entry))).join(",")}`;
  return typeof value === "string" ? encode(value) : String(value);
}

function encode(text: string): string {
  return encodeURIComponent(text);
}
