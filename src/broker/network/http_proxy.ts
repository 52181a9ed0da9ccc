import type { Stream } from "../../platform/stream.ts";
import { readFirst } from "./first_bytes.ts";
import { type FlowTarget, pathOf } from "./flow_log.ts";
import type { FlowRefusal, Flows } from "./flows.ts";
import { forwardRequest } from "./forward.ts";
import { answer, answerDenied } from "./http_answer.ts";
import { MAX_HEAD_BYTES, parseProxyRequest } from "./http_head.ts";

const HEAD_MS = 30_000;
const ESTABLISHED = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n");

/** Serves one connection to the proxy: one CONNECT, or one request in absolute form. */
export async function serveHttpProxy(stream: Stream, flows: Flows): Promise<void> {
  const read = await readFirst(stream, Buffer.alloc(0), parseProxyRequest, {
    maxBytes: MAX_HEAD_BYTES,
    timeoutMs: HEAD_MS,
  });
  if (read.kind === "wrong") return answer(stream, "400 Bad Request", `sallyport: ${read.why}\n`);
  const { value: request, rest } = read;
  const target: FlowTarget = {
    op: "connect",
    ...request.to,
    via: request.kind === "connect" ? "connect" : "http",
  };
  const flow = await flows.open(target);
  if (flow.kind !== "open") return refuse(stream, target, flow);
  if (request.kind === "connect") {
    await stream.write(ESTABLISHED).catch(() => stream.close("reset"));
    return flow.carry(stream, rest);
  }
  return forwardRequest(stream, flow, request, rest);
}

function refuse(stream: Stream, target: FlowTarget, flow: FlowRefusal): Promise<void> {
  const path = pathOf(target);
  if (flow.kind === "failed") {
    const status = flow.errno === "ETIMEDOUT" ? "504 Gateway Timeout" : "502 Bad Gateway";
    return answer(stream, status, `sallyport: connect ${path}: ${flow.errno}\n`);
  }
  return answerDenied(stream, path, flow.rule);
}
