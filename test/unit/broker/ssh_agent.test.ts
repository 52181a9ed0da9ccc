import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fingerprint,
  framed,
  identitiesAnswer,
  isSignature,
  MAX_MESSAGE_BYTES,
  parseAgentRequest,
  parseIdentities,
  purposeOf,
  signRequest,
} from "../../../src/broker/ssh_agent/message.ts";
import { MessageStream } from "../../../src/broker/ssh_agent/stream.ts";

const text = (value: string | Uint8Array): Uint8Array => framed(Buffer.from(value));
const join = (...parts: (Uint8Array | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((one) => Uint8Array.from(one)));
const sshsig = (...fields: string[]): Uint8Array => join(Buffer.from("SSHSIG"), ...fields.map(text));
const login = (service: string, method: string, kind = 50): Uint8Array =>
  join(
    text("s".repeat(32)),
    [kind],
    text("git"),
    text(service),
    text(method),
    [1],
    text("ssh-ed25519"),
    text("key"),
  );

const anyBytes = fc.uint8Array({ maxLength: 200 });

describe("requests", () => {
  test("a signature is asked for exactly, or not at all", () => {
    const whole = signRequest(Buffer.from("blob"), Buffer.from("data"), 4);
    const parsed = parseAgentRequest(whole);
    expect(parsed.kind === "sign" && [parsed.blob, parsed.data].map(String)).toEqual(["blob", "data"]);
    expect(parsed).toMatchObject({ flags: 4 });
    for (let end = 1; end < whole.length; end++)
      expect(parseAgentRequest(whole.subarray(0, end)).kind).toBe("malformed");
    expect(parseAgentRequest(join(whole, [0])).kind).toBe("malformed");
  });

  test("the keys are asked for without anything more", () => {
    expect(parseAgentRequest(Uint8Array.of(11))).toEqual({ kind: "identities" });
    expect(parseAgentRequest(Uint8Array.of(11, 0))).toEqual({ kind: "malformed" });
    expect(parseAgentRequest(Uint8Array.of())).toEqual({ kind: "malformed" });
  });

  test("every other message is another one", () => {
    for (let type = 0; type < 256; type++) {
      if (type === 11 || type === 13) continue;
      expect(parseAgentRequest(Uint8Array.of(type, 1, 2))).toEqual({ kind: "other", type });
    }
  });

  test("any bytes are answered, and what parses is what was sent", () => {
    fc.assert(
      fc.property(anyBytes, (message) => {
        const parsed = parseAgentRequest(message);
        if (parsed.kind === "sign")
          expect(Buffer.from(signRequest(parsed.blob, parsed.data, parsed.flags))).toEqual(
            Buffer.from(message),
          );
      }),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(anyBytes, anyBytes, fc.integer({ min: 0, max: 0xffff_ffff }), (blob, data, flags) => {
        const parsed = parseAgentRequest(signRequest(blob, data, flags));
        expect(parsed).toMatchObject({ kind: "sign", flags });
      }),
    );
  });
});

describe("answers of the agent", () => {
  test("keys go through unchanged, and half an answer is none", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ blob: anyBytes, comment: anyBytes }), { maxLength: 5 }),
        (identities) => {
          const answer = identitiesAnswer(identities);
          expect(parseIdentities(answer)?.map(({ blob }) => fingerprint(blob))).toEqual(
            identities.map(({ blob }) => fingerprint(blob)),
          );
          expect(parseIdentities(answer.subarray(0, -1))).toBeNull();
          expect(parseIdentities(join(answer, [0]))).toBeNull();
        },
      ),
    );
    expect(parseIdentities(join([12], [255, 255, 255, 255]))).toBeNull();
    expect(parseIdentities(Uint8Array.of(5))).toBeNull();
  });

  test("a signature is one string behind its type", () => {
    expect(isSignature(join([14], text("signature")))).toBe(true);
    expect(isSignature(join([14], text("signature"), [0]))).toBe(false);
    expect(isSignature(join([12], text("signature")))).toBe(false);
    expect(isSignature(Uint8Array.of(5))).toBe(false);
  });
});

describe("what a signature is good for", () => {
  test.each([
    ["a file", sshsig("git", "", "sha512", "hash"), { kind: "signature", detail: "git" }],
    ["a file without a namespace", sshsig("", "", "sha512", "hash"), null],
    ["a file with a field missing", sshsig("git", "", "sha512"), null],
    ["a file with more behind it", join(sshsig("git", "", "sha512", "hash"), [1]), null],
    ["a login", login("ssh-connection", "publickey"), { kind: "login", detail: "git" }],
    [
      "a login bound to a host",
      login("ssh-connection", "publickey-hostbound-v00@openssh.com"),
      { kind: "login", detail: "git" },
    ],
    ["another service", login("ssh-userauth", "publickey"), null],
    ["another method", login("ssh-connection", "hostbased"), null],
    ["another message", login("ssh-connection", "publickey", 51), null],
    ["nothing", Uint8Array.of(), null],
    ["a hash", Buffer.alloc(32, 1), null],
  ])("%s", (_name, data, expected) => {
    expect(purposeOf(data)).toEqual(expected);
  });

  test("no bytes are both", () => {
    fc.assert(
      fc.property(anyBytes, (rest) => {
        expect(purposeOf(join(Buffer.from("SSHSIG"), rest))?.kind).not.toBe("login");
      }),
      { numRuns: 5000 },
    );
  });
});

describe("a stream", () => {
  test("is cut into the same messages however it arrives", () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (messages, cuts) => {
          const whole = Buffer.concat(messages.map(framed));
          const stream = new MessageStream();
          const got: Uint8Array[] = [];
          let at = 0;
          for (const cut of [...cuts, whole.length]) {
            got.push(...(stream.push(whole.subarray(at, at + cut)) ?? []));
            at += cut;
          }
          expect(got.map((one) => Buffer.from(one))).toEqual(messages.map((one) => Buffer.from(one)));
        },
      ),
    );
  });

  test("ends at a length that no message has", () => {
    expect(new MessageStream().push(Uint8Array.of(0, 0, 0, 0))).toBeNull();
    const long = Buffer.alloc(4);
    long.writeUInt32BE(MAX_MESSAGE_BYTES + 1);
    expect(new MessageStream().push(long)).toBeNull();
    expect(new MessageStream().push(Uint8Array.of(0, 0, 0, 2, 11))).toEqual([]);
  });
});
