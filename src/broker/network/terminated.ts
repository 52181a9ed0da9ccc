import type { Stream } from "../../platform/stream.ts";
import type { NetworkRule } from "../../policy/network.ts";
import { BodyFraming } from "./body_framing.ts";
import { ECHO, headWithCredential } from "./credential_endpoint.ts";
import type { Credential } from "./credentials.ts";
import { MORE, type Parsing, readFirst, wrong } from "./first_bytes.ts";
import type { FlowTarget } from "./flow_log.ts";
import { answer } from "./http_answer.ts";
import { MAX_HEAD_BYTES, namesHost, type OriginRequest, parseOriginRequest } from "./http_head.ts";
import type { Relay } from "./relay.ts";
import { RunAuthority } from "./run_authority.ts";
import { isHandshake, judgeHello, MAX_HELLO_BYTES, SNI_RULE } from "./sni.ts";
import type { Spliced, Splicing } from "./splice.ts";
import { acceptTls, type Inside } from "./tls_inside.ts";
import { carryOverTls } from "./tls_origin.ts";

const FIRST_MS = 30_000;
const CONTINUE = Buffer.from("HTTP/1.1 100 Continue\r\n\r\n");

const HOST_RULE: NetworkRule = {
  id: "network.terminated-host",
  reason: "the request names another host than the connection",
  remedy: "",
};
/** For what reaches a terminated host without TLS. */
export const TERMINATED_RULE: NetworkRule = {
  id: "network.terminated",
  reason: "the TLS of this host ends at the broker, which takes nothing but TLS for it",
  remedy: "",
};

/** The hosts of a run whose TLS ends at the broker, and the authority that the run trusts for it. */
export class TerminatedHosts {
  readonly authority: RunAuthority;
  readonly #credentials: ReadonlyMap<string, Credential>;

  private constructor(run: string, credentials: readonly Credential[]) {
    this.authority = new RunAuthority(run, [...new Set(credentials.map(({ grant }) => grant.host))]);
    this.#credentials = new Map(credentials.map((one) => [keyOf(one.grant), one]));
  }

  /** null: there are none, and no authority either. */
  static of(run: string, all: readonly Credential[]): TerminatedHosts | null {
    const credentials = all.filter(({ grant }) => grant.way.kind === "terminated");
    return credentials.length === 0 ? null : new TerminatedHosts(run, credentials);
  }

  has(target: Pick<FlowTarget, "host" | "port">): boolean {
    return this.#credentials.has(keyOf(target));
  }

  /** Serves one connection to a host of `has`: TLS with the program and TLS with the host, and one request between. Never rejects. */
  splice(target: FlowTarget, inside: Stream, outside: Stream, first: Buffer, relay: Relay): Splicing {
    const credential = this.#credentials.get(keyOf(target))!;
    let carrying: Splicing | null = null;
    const serve = async (): Promise<Spliced> => {
      const asked = await askedOf(inside, first, credential, this.authority).catch(() => FAILED);
      if (!("request" in asked)) {
        inside.close("reset");
        outside.close("reset");
        return asked;
      }
      carrying = carry(asked, outside, credential, relay);
      const spliced = await carrying.done;
      return spliced.end === "refused" ? { ...spliced, rule: ECHO } : spliced;
    };
    return {
      done: serve(),
      cancel: () => {
        if (carrying !== null) return carrying.cancel();
        inside.close("reset");
        outside.close("reset");
      },
    };
  }
}

type Asked = { readonly inside: Inside; readonly request: OriginRequest; readonly rest: Buffer };

const NOTHING = { bytesUp: 0, bytesDown: 0 } as const;
const GONE: Spliced = { ...NOTHING, end: "failed" };
const FAILED: Spliced = { ...NOTHING, end: "failed", errno: "EPROTO" };
const refused = (rule: NetworkRule): Spliced => ({ ...NOTHING, end: "refused", rule });

/** The request that a program makes of the host, once it has shown by name that it means it. */
async function askedOf(
  stream: Stream,
  first: Buffer,
  { grant }: Credential,
  authority: RunAuthority,
): Promise<Asked | Spliced> {
  const hello = await readFirst(stream, first, helloFor(grant.host), {
    maxBytes: MAX_HELLO_BYTES,
    timeoutMs: FIRST_MS,
  });
  if (hello.kind === "wrong") {
    if (hello.why === PLAIN) return refused(TERMINATED_RULE);
    // One that goes without a word has asked for nothing.
    return hello.why === OTHER ? refused(SNI_RULE) : GONE;
  }
  const inside = await acceptTls(stream, hello.rest, authority.contextOf(grant.host), FIRST_MS);
  const read = await readFirst(inside, Buffer.alloc(0), parseOriginRequest, {
    maxBytes: MAX_HEAD_BYTES,
    timeoutMs: FIRST_MS,
  });
  if (read.kind === "wrong") {
    await answer(inside, "400 Bad Request", `sallyport: ${read.why}\n`);
    return FAILED;
  }
  const { value: request, rest } = read;
  if (!namesHost(request, grant)) {
    await answer(inside, "421 Misdirected Request", `sallyport: ${HOST_RULE.reason}\n`);
    return refused(HOST_RULE);
  }
  const waits = request.fields.some(
    ({ name, value }) => name === "expect" && value.toLowerCase() === "100-continue",
  );
  if (waits) await inside.write(CONTINUE);
  return { inside, request, rest };
}

function carry({ inside, request, rest }: Asked, outside: Stream, credential: Credential, relay: Relay) {
  return carryOverTls(inside, outside, {
    host: credential.grant.host,
    trust: credential.trust,
    head: () => headWithCredential(request, credential),
    method: request.method,
    framing: new BodyFraming(request.body),
    first: rest,
    secret: credential.secretPart(),
    relay,
  });
}

const PLAIN = "no TLS";
const OTHER = "another host";

/** Takes nothing: what it judges is for the handshake. */
function helloFor(host: string): (bytes: Buffer) => Parsing<null> {
  const judge = judgeHello(host);
  return (bytes) => {
    if (bytes.length === 0) return MORE;
    if (!isHandshake(bytes)) return wrong(PLAIN);
    const judged = judge(bytes);
    if (judged === "more") return MORE;
    return judged === "pass" ? { kind: "value", value: null, taken: 0 } : wrong(OTHER);
  };
}

function keyOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}
