import { closeSync, constants, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

/** Where distributions keep what the host trusts: Debian, Fedora, SUSE, Alpine. */
const HOST_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
/** These replace what a program trusts by itself. */
const REPLACING = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT"];

/**
 * Writes the certificate of the run's authority where the run reads it, alone and behind what the host trusts, before anything of
 * the run is at work. Gives the variables that make programs trust it. Throws what open(2) and write(2) throw.
 */
export function writeTrust(directory: string, certificate: string): Readonly<Record<string, string>> {
  const alone = put(join(directory, "sallyport-ca.pem"), certificate);
  const bundle = put(join(directory, "sallyport-ca-bundle.pem"), `${hostBundle()}\n${certificate}`);
  return {
    ...Object.fromEntries(REPLACING.map((name) => [name, bundle])),
    NODE_EXTRA_CA_CERTS: alone,
  };
}

/** The certificates that the host trusts, as PEM; those of Node where it keeps them nowhere known. */
export function hostBundle(): string {
  for (const file of HOST_BUNDLES) {
    try {
      return readFileSync(file, "latin1");
    } catch {
      // The next place.
    }
  }
  return rootCertificates.join("\n");
}

function put(file: string, text: string): string {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    writeFileSync(fd, text, "latin1");
  } finally {
    closeSync(fd);
  }
  return file;
}
