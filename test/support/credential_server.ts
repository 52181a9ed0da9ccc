import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A host that wants a secret: TLS with a certificate of an authority of the test's own. Close it. */
export class CredentialServer {
  readonly #server: Server;
  readonly #directory: string;
  /** Method, path and header fields of each request. */
  readonly requests: { method: string; url: string; headers: Record<string, unknown>; body: string }[] = [];

  private constructor(server: Server, directory: string) {
    this.#server = server;
    this.#directory = directory;
  }

  /** For `host` in the certificate; it listens on 127.0.0.1. */
  static async make(host: string): Promise<CredentialServer> {
    const directory = mkdtempSync(join(tmpdir(), "sallyport-credential-"));
    const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    execFileSync(
      "openssl",
      // biome-ignore format: one option a word
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, "-keyout", key, "-out", cert],
      { stdio: "ignore" },
    );
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
    const made = new CredentialServer(server, directory);
    server.on("request", (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        made.requests.push({
          method: request.method ?? "",
          url: request.url ?? "",
          headers: { ...request.headers, raw: request.rawHeaders.join("|") },
          body,
        });
        if (request.url === "/redirect") {
          response.writeHead(302, { location: "https://elsewhere.example/" });
          response.end("elsewhere");
        } else if (request.url === "/echo") {
          response.write("you said ");
          // Cut up, so that no one packet holds it.
          const secret = String(request.headers["authorization"]);
          response.write(secret.slice(0, 9));
          setTimeout(() => response.end(`${secret.slice(9)} and more`), 50);
        } else if (request.url === "/echo-head") {
          response.setHeader("x-you", String(request.headers["authorization"]));
          response.end("ok\n");
        } else if (request.url === "/big") response.end("x".repeat(3_000_000));
        else response.end(`hello ${request.url}\n`);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Its authority, as a file. */
  get authority(): string {
    return join(this.#directory, "cert.pem");
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
