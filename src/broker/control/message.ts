import { SallyportError } from "../../protocol/errors.ts";

/** One line each way: JSON, UTF-8, ended by a line feed. */
export const MAX_LINE_BYTES = 8192;

/** What a person, or another tool of the same person, asks of a live run. Further fields belong to the verb. */
export type ControlRequest = { readonly verb: string } & Readonly<Record<string, unknown>>;

export type ControlReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What a verb does. A SallyportError that it throws is the answer. */
export type Verb = (request: ControlRequest) => Promise<unknown> | unknown;
export type Verbs = Readonly<Record<string, Verb>>;

/** Throws PROTOCOL when the line is no request. */
export function parseControlRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new SallyportError("PROTOCOL", "Cannot read the request: not JSON", { cause });
  }
  if (typeof value !== "object" || typeof (value as { verb?: unknown } | null)?.verb !== "string")
    throw new SallyportError("PROTOCOL", 'Cannot read the request: no "verb"');
  return value as ControlRequest;
}

/** A field that is a text of at most `maxLength` characters; `absent` when it is not there. Throws INVALID. */
export function textOf(request: ControlRequest, field: string, maxLength: number, absent: string): string {
  const value = request[field];
  if (value === undefined) return absent;
  if (typeof value === "string" && value.length <= maxLength) return value;
  throw new SallyportError("INVALID", `Cannot ${request.verb}: ${field} is no text`, { field });
}
