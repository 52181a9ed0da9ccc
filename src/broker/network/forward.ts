import type { Stream } from "../../platform/stream.ts";
import { BodyFraming } from "./body_framing.ts";
import type { OpenFlow } from "./flows.ts";
import { MAX_HEAD_BYTES, type ProxyRequest, parseResponse } from "./http_head.ts";
import type { Shape } from "./splice.ts";

/** Carries one request to its origin server and the response back; both connections end with it. */
export function forwardRequest(
  inside: Stream,
  flow: OpenFlow,
  request: Extract<ProxyRequest, { kind: "forward" }>,
  rest: Buffer,
): Promise<void> {
  return flow.carry(inside, rest, { up: requestShape(request), down: responseShape(), rule: null });
}

/** The head for the origin server, then exactly the body that the head announced: what follows is another request, and goes nowhere. */
function requestShape({ head, body }: { readonly head: Buffer; readonly body: number | "chunked" }): Shape {
  const framing = new BodyFraming(body);
  let before: Buffer | null = head;
  return {
    isPlain: false,
    take(chunk) {
      const count = framing.take(chunk);
      if (count < 0) return "refuse";
      const part = chunk.subarray(0, count);
      if (before === null) return part;
      const whole = Buffer.concat([before, part]);
      before = null;
      return whole;
    },
  };
}

/** The response with a head that ends the connection, so that a client does not send its next request on it. */
function responseShape(): Shape {
  let held: Buffer = Buffer.alloc(0);
  let isPlain = false;
  return {
    get isPlain() {
      return isPlain;
    },
    take(chunk) {
      if (isPlain) return chunk;
      held = Buffer.concat([held, chunk]);
      const passed: Buffer[] = [];
      for (;;) {
        const parsed = parseResponse(held);
        if (parsed.kind === "wrong" || (parsed.kind === "more" && held.length >= MAX_HEAD_BYTES))
          return "refuse";
        if (parsed.kind === "more") return Buffer.concat(passed);
        const rest = held.subarray(parsed.taken);
        passed.push(parsed.value ?? held.subarray(0, parsed.taken));
        if (parsed.value !== null) {
          isPlain = true;
          return Buffer.concat([...passed, rest]);
        }
        held = rest;
      }
    },
  };
}
