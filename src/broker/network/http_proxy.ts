import type { Socket } from "node:net";
import { denialLine } from "../denial.ts";
import { readFirst } from "./first_bytes.ts";
import { type FlowTarget, pathOf } from "./flow_log.ts";
import type { FlowRefusal, Flows } from "./flows.ts";
import { forwardRequest } from "./forward.ts";
import { MAX_HEAD_BYTES, parseProxyRequest } from "./http_head.ts";

const HEAD_MS = 30_000;

/** Serves one connection to the proxy: one CONNECT, or one request in absolute form. */
export async function serveHttpProxy(socket: Socket, flows: Flows): Promise<void> {
  const read = await readFirst(socket, Buffer.alloc(0), parseProxyRequest, {
    maxBytes: MAX_HEAD_BYTES,
    timeoutMs: HEAD_MS,
  });
  if (read.kind === "wrong") return answer(socket, "400 Bad Request", `sallyport: ${read.why}\n`);
  const { value: request, rest } = read;
  const target: FlowTarget = {
    op: "connect",
    ...request.to,
    via: request.kind === "connect" ? "connect" : "http",
  };
  const flow = await flows.open(target);
  if (flow.kind !== "open") return refuse(socket, target, flow);
  if (request.kind === "connect") {
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    return flow.carry(socket, rest);
  }
  return forwardRequest(socket, flow, request, rest);
}

function refuse(socket: Socket, target: FlowTarget, flow: FlowRefusal): void {
  const path = pathOf(target);
  if (flow.kind === "failed") {
    const status = flow.errno === "ETIMEDOUT" ? "504 Gateway Timeout" : "502 Bad Gateway";
    answer(socket, status, `sallyport: connect ${path}: ${flow.errno}\n`);
    return;
  }
  const { id: rule, reason, remedy } = flow.rule;
  const denial = { op: "connect", path, rule, reason, nextSteps: remedy === "" ? [] : [remedy] } as const;
  answer(socket, `403 Denied by sallyport (${rule})`, `sallyport: ${denialLine(denial)}\n`);
}

function answer(socket: Socket, status: string, text: string): void {
  const body = Buffer.from(text);
  socket.on("error", () => socket.destroy());
  socket.end(
    Buffer.concat([
      Buffer.from(
        `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      body,
    ]),
  );
  socket.setTimeout(5000, () => socket.destroy());
  socket.resume();
}
