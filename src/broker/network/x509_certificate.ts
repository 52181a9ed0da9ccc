/** Certificates (RFC 5280) for ECDSA keys on P-256: of an authority that may speak for a few names, and of one name. */
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  bitString,
  context,
  integer,
  namedBits,
  octets,
  oid,
  sequence,
  setOf,
  TRUE,
  time,
  utf8,
} from "./x509_der.ts";

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKey: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
} as const;
// Bits of keyUsage and numbers of GeneralName.
const DIGITAL_SIGNATURE = 0;
const CERTIFICATE_SIGN = 5;
const DNS = 2;
const IP = 7;
const EVERY_IPV4 = Buffer.alloc(8);
const EVERY_IPV6 = Buffer.alloc(32);
const SERIAL_BYTES = 16;
/** Of a common name (RFC 5280, appendix A.1). */
const MAX_NAME = 64;

export type Validity = { readonly from: Date; readonly until: Date };
export type Issuer = { readonly name: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** An authority's own certificate, as PEM: good for the names, what is below them, and no address. */
export function authorityCertificate(issuer: Issuer, names: readonly string[], validity: Validity): string {
  const subtree = (name: Uint8Array): Buffer => sequence(name);
  const permitted = names.map((name) => subtree(context(DNS, "primitive", Buffer.from(name, "latin1"))));
  // A kind of name that no constraint speaks of would be free.
  const excluded = [EVERY_IPV4, EVERY_IPV6].map((every) => subtree(context(IP, "primitive", every)));
  return certificate(issuer, issuer.name, issuer.publicKey, validity, [
    critical(OID.basicConstraints, sequence(TRUE, integer(Buffer.of(0)))),
    critical(OID.keyUsage, namedBits(CERTIFICATE_SIGN)),
    critical(
      OID.nameConstraints,
      sequence(
        context(0, "constructed", Buffer.concat(permitted)),
        context(1, "constructed", Buffer.concat(excluded)),
      ),
    ),
    extension(OID.subjectKey, octets(keyId(issuer.publicKey))),
  ]);
}

/** The certificate of a server of exactly this name, as PEM. */
export function serverCertificate(
  issuer: Issuer,
  name: string,
  publicKey: KeyObject,
  validity: Validity,
): string {
  return certificate(issuer, name.length <= MAX_NAME ? name : "server", publicKey, validity, [
    critical(OID.basicConstraints, sequence()),
    critical(OID.keyUsage, namedBits(DIGITAL_SIGNATURE)),
    extension(OID.extendedKeyUsage, sequence(oid(OID.serverAuth))),
    extension(OID.subjectNames, sequence(context(DNS, "primitive", Buffer.from(name, "latin1")))),
    extension(OID.subjectKey, octets(keyId(publicKey))),
    extension(OID.authorityKey, sequence(context(0, "primitive", keyId(issuer.publicKey)))),
  ]);
}

function certificate(
  issuer: Issuer,
  subject: string,
  publicKey: KeyObject,
  { from, until }: Validity,
  extensions: readonly Buffer[],
): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(SERIAL_BYTES);
  // Positive, and as long as it says.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const body = sequence(
    context(0, "constructed", integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    nameOf(issuer.name),
    sequence(time(from), time(until)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    context(3, "constructed", sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuer.privateKey);
  const lines = sequence(body, algorithm, bitString(signature))
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Buffer {
  return sequence(setOf(sequence(oid(OID.commonName), utf8(commonName))));
}

function extension(id: string, value: Uint8Array): Buffer {
  return sequence(oid(id), octets(value));
}

function critical(id: string, value: Uint8Array): Buffer {
  return sequence(oid(id), TRUE, octets(value));
}

/** RFC 7093, 2: the first 160 bits of the digest of the key. */
function keyId(publicKey: KeyObject): Buffer {
  const whole = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(whole).digest().subarray(0, 20);
}
