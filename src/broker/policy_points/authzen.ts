import { request } from "node:https";
import { rootCertificates } from "node:tls";
import { type PointVerdict, parseAuthzen } from "../../policy/points/verdict.ts";

export type AuthzenPoint = {
  readonly url: string;
  readonly timeoutMs: number;
  /** PEM of whom it trusts; null: the ones that Node brings along, and none that an environment variable adds. */
  readonly certificates: string | null;
  readonly token: string | null;
};

/** OpenID AuthZEN Authorization API 1.0, §6 (Access Evaluation API). */
export type AuthzenRequest = {
  readonly subject: { readonly type: string; readonly id: string; readonly properties?: object };
  readonly action: { readonly name: string };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: object };
  readonly context: object;
};

const MAX_ANSWER_BYTES = 64 * 1024;

/** Asks once. Whatever is not an answer in time is a denial: no redirection is followed, nothing is asked again. */
export function askAuthzen(
  { url, timeoutMs, certificates, token }: AuthzenPoint,
  asked: AuthzenRequest,
): Promise<PointVerdict> {
  const body = JSON.stringify(asked);
  return new Promise((resolve) => {
    const deny = (reason: string): void => resolve({ kind: "deny", reason });
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(
      url,
      {
        method: "POST",
        agent: false,
        ca: certificates ?? [...rootCertificates],
        rejectUnauthorized: true,
        minVersion: "TLSv1.2",
        signal,
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "content-length": Buffer.byteLength(body),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let length = 0;
        answer.on("data", (chunk: Buffer) => {
          length += chunk.length;
          if (length <= MAX_ANSWER_BYTES) chunks.push(chunk);
          else sent.destroy(new Error("its answer is too large"));
        });
        answer.on("error", (error) => deny(reasonOf(error, timeoutMs)));
        answer.on("end", () => {
          if (answer.statusCode !== 200) return deny(`it answered with status ${answer.statusCode}`);
          if (!/^application\/json\b/i.test(answer.headers["content-type"] ?? ""))
            return deny("its answer is no JSON");
          try {
            resolve(parseAuthzen(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
          } catch {
            // Not JSON, whatever it says.
            deny("its answer is no JSON");
          }
        });
      },
    );
    sent.on("error", (error) => deny(reasonOf(error, timeoutMs)));
    sent.end(body);
  });
}

function reasonOf(error: Error & { readonly code?: string }, timeoutMs: number): string {
  if (error.name === "AbortError" || error.name === "TimeoutError")
    return `it has not answered within ${timeoutMs} ms`;
  return `it can not be asked: ${error.code ?? error.message}`;
}
