import type { Stream } from "../../platform/stream.ts";
import type { NetworkPolicy, NetworkRule } from "../../policy/network.ts";
import { BodyFraming } from "./body_framing.ts";
import type { Credential } from "./credentials.ts";
import { readFirst } from "./first_bytes.ts";
import { type FlowTarget, pathOf } from "./flow_log.ts";
import type { Flows } from "./flows.ts";
import { answer, answerDenied } from "./http_answer.ts";
import { MAX_HEAD_BYTES, type OriginRequest, originRequestHead, parseOriginRequest } from "./http_head.ts";
import { carryOverTls } from "./tls_origin.ts";

const HEAD_MS = 30_000;

export const ECHO: NetworkRule = {
  id: "network.credential-echo",
  reason: "the host sent the credential back",
  remedy: "",
};

/** The run's grants, and the one host that the credential is for. */
export function credentialPolicy(policy: NetworkPolicy, { grant }: Credential): NetworkPolicy {
  const own = { kind: "host", name: grant.host, below: false, ports: [grant.port] } as const;
  return policy.with(own);
}

/**
 * Serves one connection to the endpoint of a credential: one request, which goes to its host over TLS with the header added. What the
 * program sends under that name is dropped. A redirect is the program's to follow, without the credential.
 */
export async function serveCredential(
  stream: Stream,
  credential: Credential,
  flows: Flows,
  policy: NetworkPolicy,
): Promise<void> {
  const { host, port } = credential.grant;
  const read = await readFirst(stream, Buffer.alloc(0), parseOriginRequest, {
    maxBytes: MAX_HEAD_BYTES,
    timeoutMs: HEAD_MS,
  });
  if (read.kind === "wrong") return answer(stream, "400 Bad Request", `sallyport: ${read.why}\n`);
  const target: FlowTarget = { op: "connect", host, port, via: "credential" };
  const path = pathOf(target);
  const flow = await flows.open(target, policy);
  if (flow.kind === "failed")
    return answer(stream, "502 Bad Gateway", `sallyport: connect ${path}: ${flow.errno}\n`);
  if (flow.kind === "denied") return answerDenied(stream, path, flow.rule);
  const request = read.value;
  await flow.join(
    stream,
    (outside, relay) =>
      carryOverTls(stream, outside, {
        host,
        trust: credential.trust,
        head: () => headWithCredential(request, credential),
        method: request.method,
        framing: new BodyFraming(request.body),
        first: read.rest,
        secret: credential.secretPart(),
        relay,
      }),
    ECHO,
  );
}

/** The secret goes into the connection and nowhere else. */
export function headWithCredential(request: OriginRequest, credential: Credential): Buffer {
  const { host, port, header } = credential.grant;
  const authority = port === 443 ? host : `${host}:${port}`;
  return originRequestHead(request, authority, { name: header, value: credential.fieldValue() });
}

/** What tells the program where its endpoint is. */
export function endpointUrl(path: string, address: string, port: number): string {
  return `http://${address}:${port}${path}`;
}
