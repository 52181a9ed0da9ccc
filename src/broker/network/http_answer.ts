import type { NetworkRule } from "../../policy/network.ts";
import { denialLine, refusal } from "../denial.ts";
import { answerAndClose } from "./first_bytes.ts";
import type { Inside } from "./tls_inside.ts";

/** Answers a request that goes nowhere, and closes. `status` is a code and a reason; `header` ends each of its lines. */
export function answer(stream: Inside, status: string, text: string, header = ""): Promise<void> {
  const body = Buffer.from(text);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\n${header}Connection: close\r\n\r\n`;
  return answerAndClose(stream, Buffer.concat([Buffer.from(head), body]));
}

/** Tells a program that speaks HTTP which rule refuses `path`, and for how long where that passes (RFC 9110, 10.2.3). */
export function answerDenied(stream: Inside, path: string, rule: NetworkRule): Promise<void> {
  const denial = refusal("connect", path, rule);
  const { retryAfterMs } = denial;
  const header = retryAfterMs === null ? "" : `Retry-After: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
  const status = `403 Denied by sallyport (${rule.id})`;
  return answer(stream, status, `sallyport: ${denialLine(denial)}\n`, header);
}
