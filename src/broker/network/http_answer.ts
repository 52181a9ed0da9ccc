import { answerAndClose } from "./first_bytes.ts";
import type { Inside } from "./tls_inside.ts";

/** Answers a request that goes nowhere, and closes. `status` is a code and a reason. */
export function answer(stream: Inside, status: string, text: string): Promise<void> {
  const body = Buffer.from(text);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return answerAndClose(stream, Buffer.concat([Buffer.from(head), body]));
}
