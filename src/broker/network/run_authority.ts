import { generateKeyPairSync } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { authorityCertificate, type Issuer, serverCertificate } from "./x509_certificate.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A run that is older has no terminated hosts any more. */
const AUTHORITY_MS = 7 * 24 * HOUR_MS;
const SERVER_MS = 24 * HOUR_MS;

/**
 * The authority of one run. Its key is made here, signs for the granted names, and is in no file, variable or message. Event-loop
 * thread only.
 */
export class RunAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #issuer: Issuer;
  readonly #until: number;
  readonly #contexts = new Map<string, { readonly context: SecureContext; readonly freshUntil: number }>();

  constructor(run: string, names: readonly string[]) {
    this.#issuer = { name: `sallyport run ${run}`, ...newKey() };
    this.#until = Date.now() + AUTHORITY_MS;
    this.certificate = authorityCertificate(this.#issuer, names, {
      from: new Date(Date.now() - MINUTE_MS),
      until: new Date(this.#until),
    });
  }

  /** What a server of this name answers with; made anew before it runs out. */
  contextOf(name: string): SecureContext {
    const known = this.#contexts.get(name);
    if (known !== undefined && Date.now() < known.freshUntil) return known.context;
    const { publicKey, privateKey } = newKey();
    const from = new Date(Date.now() - MINUTE_MS);
    const until = new Date(Math.min(Date.now() + SERVER_MS, this.#until));
    const context = createSecureContext({
      key: privateKey.export({ type: "pkcs8", format: "pem" }),
      cert: serverCertificate(this.#issuer, name, publicKey, { from, until }),
      minVersion: "TLSv1.2",
    });
    this.#contexts.set(name, { context, freshUntil: until.getTime() - HOUR_MS });
    return context;
  }
}

function newKey() {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" });
}
