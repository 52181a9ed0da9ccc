import { execFileSync } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { authorityCertificate, serverCertificate } from "../../../../src/broker/network/x509_certificate.ts";
import { integer, namedBits, oid, sequence, time } from "../../../../src/broker/network/x509_der.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const key = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const validity = { from: new Date(Date.now() - 60_000), until: new Date(Date.now() + 3_600_000) };
const directory = mkdtempSync(join(tmpdir(), "sallyport-x509-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function authority(...names: string[]) {
  const issuer = { name: "an authority", ...key() };
  return { issuer, certificate: authorityCertificate(issuer, names, validity) };
}

/** What openssl verify(1) says of a server's certificate: "OK", or its words. */
function verified(root: string, leaf: string, ...more: string[]): string {
  const [rootFile, leafFile] = [join(directory, "root.pem"), join(directory, "leaf.pem")];
  writeFileSync(rootFile, root);
  writeFileSync(leafFile, leaf);
  try {
    execFileSync("openssl", ["verify", "-x509_strict", "-CAfile", rootFile, ...more, leafFile], {
      encoding: "utf8",
      stdio: "pipe",
    });
    return "OK";
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
}

describe("DER", () => {
  test.each([
    [integer(Buffer.of(0)), "020100"],
    [integer(Buffer.of(0, 0, 127)), "02017f"],
    [integer(Buffer.of(128)), "02020080"],
    [oid("1.2.840.10045.4.3.2"), "06082a8648ce3d040302"],
    [namedBits(0), "03020780"],
    [namedBits(5, 6), "03020106"],
    [namedBits(8), "0303070080"],
    [sequence(Buffer.alloc(128)).subarray(0, 3), "308180"],
    [sequence(Buffer.alloc(256)).subarray(0, 4), "30820100"],
    [time(new Date("2049-12-31T23:59:59.9Z")), `170d${hex(Buffer.from("491231235959Z"))}`],
    [time(new Date("2050-01-01T00:00:00Z")), `180f${hex(Buffer.from("20500101000000Z"))}`],
  ])("%#", (bytes, expected) => {
    expect(hex(bytes)).toBe(expected);
  });
});

describe("Node", () => {
  test("reads the two certificates, and finds the signature good", () => {
    const { issuer, certificate } = authority("api.example.org");
    const root = new X509Certificate(certificate);
    const leaf = new X509Certificate(serverCertificate(issuer, "api.example.org", key().publicKey, validity));
    expect(root.ca).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.subjectAltName).toBe("DNS:api.example.org");
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.verify(key().publicKey)).toBe(false);
    expect(leaf.checkHost("api.example.org")).toBe("api.example.org");
    expect(leaf.checkHost("www.example.org")).toBeUndefined();
    expect(Date.parse(leaf.validTo)).toBe(Math.floor(validity.until.getTime() / 1000) * 1000);
  });
});

describe("openssl", () => {
  test.beforeEach((context) => {
    if (!existsSync("/usr/bin/openssl")) context.skip("skipped: needs openssl, this machine has none");
  });

  test("takes the certificate of a granted name, by the strict reading", () => {
    const { issuer, certificate } = authority("api.example.org", "other.example");
    for (const name of ["api.example.org", "other.example"]) {
      const leaf = serverCertificate(issuer, name, key().publicKey, validity);
      expect(verified(certificate, leaf, "-verify_hostname", name, "-purpose", "sslserver")).toBe("OK");
      expect(verified(certificate, leaf, "-verify_hostname", "www.example")).toContain("hostname mismatch");
    }
  });

  test("refuses whatever else the authority might sign", () => {
    const { issuer, certificate } = authority("api.example.org");
    const leaf = (name: string) => serverCertificate(issuer, name, key().publicKey, validity);
    for (const name of ["example.org", "www.example.org", "xapi.example.org", "bank.example"])
      expect(verified(certificate, leaf(name)), name).toContain("permitted subtree violation");
    // An authority below it.
    const below = { name: "api.example.org", ...key() };
    const forged = serverCertificate(below, "api.example.org", key().publicKey, validity);
    const asAuthority = serverCertificate(issuer, "api.example.org", below.publicKey, validity);
    writeFileSync(join(directory, "between.pem"), asAuthority);
    expect(verified(certificate, forged, "-untrusted", join(directory, "between.pem"))).toContain(
      "invalid CA certificate",
    );
    const shown = (pem: string): string =>
      execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem, encoding: "utf8" });
    expect(shown(asAuthority)).toMatch(/Basic Constraints: critical\s+CA:FALSE\s/);
    expect(shown(asAuthority)).toMatch(/Key Usage: critical\s+Digital Signature\s/);
    const text = shown(certificate);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\s/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign\s/);
    expect(text).toMatch(/Name Constraints: critical/);
    const old = { from: new Date(0), until: new Date(Date.now() - 1000) };
    const late = serverCertificate(issuer, "api.example.org", key().publicKey, old);
    expect(verified(certificate, late)).toContain("expired");
  });

  test("an address in place of a name is excluded", () => {
    const { issuer, certificate } = authority("api.example.org");
    const [keyFile, request] = [join(directory, "ca.key"), join(directory, "ip.csr")];
    const [root, leaf] = [join(directory, "ca.pem"), join(directory, "ip.pem")];
    writeFileSync(keyFile, issuer.privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    writeFileSync(root, certificate);
    const run = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
    // biome-ignore format: one option a word
    run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "/dev/null", "-subj", "/O=x", "-addext", "subjectAltName=IP:192.0.2.1", "-out", request);
    // biome-ignore format: one option a word
    run("x509", "-req", "-in", request, "-CA", root, "-CAkey", keyFile, "-copy_extensions", "copy", "-days", "1", "-out", leaf);
    expect(() => run("verify", "-CAfile", root, leaf)).toThrow(/excluded subtree violation/);
  });
});
