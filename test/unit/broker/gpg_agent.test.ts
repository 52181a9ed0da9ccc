import { describe, expect, test } from "vitest";
import {
  dataLines,
  dataOf,
  ERROR,
  escaped,
  LineStream,
  MAX_LINE_BYTES,
  parseCommand,
} from "../../../src/broker/gpg_agent/assuan.ts";
import { parseKeyList, signingKey } from "../../../src/broker/gpg_agent/key_list.ts";

const parsed = (text: string) => parseCommand(Buffer.from(text));
const GRIP = "EFB3EFF1FCF3AB70467BA887A3FC0B13AFB7CA99";
const DIGEST = "AB".repeat(32);

describe("a command of the run", () => {
  test.each([
    ["RESET", { kind: "reset" }],
    ["BYE", { kind: "bye" }],
    ["OPTION ttyname=/dev/pts/1", { kind: "fine" }],
    ["OPTION allow-pinentry-notify", { kind: "fine" }],
    ["OPTION pinentry-mode=loopback", { kind: "lacking", error: ERROR.unknownOption }],
    ["GETINFO version", { kind: "version" }],
    ["GETINFO socket_name", { kind: "lacking", error: ERROR.false }],
    ["SCD SERIALNO", { kind: "lacking", error: ERROR.noSmartCardDaemon }],
    ["SCD SERIALNO --all", { kind: "other", name: "SCD" }],
    [`HAVEKEY ${GRIP} ${GRIP}`, { kind: "have", keygrips: [GRIP, GRIP] }],
    ["HAVEKEY --list=1000", { kind: "list" }],
    [`SIGKEY ${GRIP.toLowerCase()}`, { kind: "key", keygrip: GRIP }],
    [`SIGKEY ${GRIP} x`, { kind: "other", name: "SIGKEY" }],
    [`SETKEY ${GRIP}`, { kind: "other", name: "SETKEY" }],
    [`KEYINFO ${GRIP}`, { kind: "info", keygrip: GRIP }],
    [`KEYINFO --list`, { kind: "other", name: "KEYINFO" }],
    [`SETHASH 8 ${DIGEST}`, { kind: "digest", algorithm: 8, digest: DIGEST }],
    [`SETHASH --hash=sha256 ${DIGEST.toLowerCase()}`, { kind: "digest", algorithm: 8, digest: DIGEST }],
    ["SETHASH --hash=toString AB", { kind: "other", name: "SETHASH" }],
    ["SETHASH 8 A", { kind: "other", name: "SETHASH" }],
    ["PKSIGN", { kind: "sign" }],
    ["PKSIGN nonce", { kind: "other", name: "PKSIGN" }],
    ["PKDECRYPT", { kind: "other", name: "PKDECRYPT" }],
    ["pksign", { kind: "other", name: "a malformed line" }],
    ["PKSIGN\nPKDECRYPT", { kind: "other", name: "a malformed line" }],
    ["", { kind: "other", name: "a malformed line" }],
  ])("%j", (text, command) => {
    expect(parsed(text)).toEqual(command);
  });
});

test("data comes back as it was, whatever bytes it holds, in lines that are short enough", () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, at) => at & 0xff));
  const lines = new LineStream().push(dataLines(bytes))!;
  expect(lines.length).toBeGreaterThan(5);
  expect(
    lines.every((line) => line.length <= MAX_LINE_BYTES && line.toString("latin1").startsWith("D ")),
  ).toBe(true);
  expect(Buffer.concat(lines.map(dataOf))).toEqual(bytes);
  expect(dataLines(Buffer.alloc(0))).toHaveLength(0);
});

test("a stream is cut into lines wherever it was cut before, and no line may be long", () => {
  const stream = new LineStream();
  expect(stream.push(Buffer.from("OK\nPK"))?.map(String)).toEqual(["OK"]);
  expect(stream.push(Buffer.from("SIGN\n"))?.map(String)).toEqual(["PKSIGN"]);
  expect(stream.push(Buffer.alloc(MAX_LINE_BYTES, "x"))).toEqual([]);
  expect(stream.push(Buffer.from("x"))).toBeNull();
  expect(new LineStream().push(Buffer.from(`${"x".repeat(MAX_LINE_BYTES + 1)}\n`))).toBeNull();
});

test("a text is one argument", () => {
  expect(escaped("a b\n+%é")).toBe("a+b%0A%2B%25%C3%A9");
});

describe("the key that is meant", () => {
  const record = (kind: string, validity: string, uses: string, fingerprint: string, grip: string): string =>
    `${kind}:${validity}:255:22:X:1:::u:::${uses}:::::ed25519:::0:\nfpr:::::::::${fingerprint}:\ngrp:::::::::${grip}:`;
  const [A, B, C, D] = ["A", "B", "C", "D"].map((letter) => letter.repeat(40)) as [
    string,
    string,
    string,
    string,
  ];
  const list = (...lines: string[]) => parseKeyList(["tru::1:1:0:3:1:5", ...lines, ""].join("\n"));
  const grip = (letter: string): string => letter.repeat(40);
  const keys = list(
    record("pub", "u", "cSE", A, grip("1")),
    "uid:u::::1::X::A::::::::::0:",
    record("sub", "e", "s", B, grip("2")),
    record("sub", "u", "s", C, grip("3")),
    record("sub", "u", "e", D, grip("4")),
  );

  test("is the newest subkey that signs, where the primary key is named", () => {
    expect(signingKey(keys, A)).toMatchObject({ fingerprint: C, keygrip: grip("3"), primary: A });
    expect(signingKey(keys, A.toLowerCase())).toMatchObject({ fingerprint: C });
  });

  test.each([
    [C, C],
    [grip("3"), C],
    [B, "it has expired, or was revoked or disabled"],
    [D, "it is no key that signs"],
    [grip("4"), "it is no key that signs"],
    [grip("1"), "it is no key that signs"],
    ["9".repeat(40), "no public key of yours has this fingerprint or keygrip"],
  ])("%s is %s", (asked, expected) => {
    const found = signingKey(keys, asked);
    expect(typeof found === "string" ? found : found.fingerprint).toBe(expected);
  });

  test("is the primary key where it alone signs, unless it is disabled", () => {
    const alone = (uses: string) => list(record("pub", "u", uses, A, grip("1")));
    expect(signingKey(alone("scSC"), A)).toMatchObject({ fingerprint: A });
    expect(signingKey(alone("scSCD"), A)).toMatch(/disabled/);
  });
});
