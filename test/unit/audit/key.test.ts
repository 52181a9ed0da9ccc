import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseCheckpoint, signCheckpoint } from "../../../src/audit/checkpoint.ts";
import { ephemeralLogKey, openLogKey, parseVkey } from "../../../src/audit/key.ts";
import { EMPTY_ROOT } from "../../../src/audit/merkle.ts";
import { temporaryState } from "../../support/audit_log.ts";
import { skipFor } from "../../support/needs.ts";

let state: string;
let remove: () => void;
beforeEach(() => {
  ({ state, remove } = temporaryState());
});
afterEach(() => remove());

test("the key is made once, private, and found again", () => {
  const key = openLogKey(state);
  expect(openLogKey(state).vkey).toBe(key.vkey);
  expect(statSync(join(state, "keys")).mode & 0o777).toBe(0o700);
  expect(statSync(join(state, "keys/log.key")).mode & 0o777).toBe(0o600);
  expect(parseVkey(readFileSync(join(state, "keys/log.vkey"), "utf8")).name).toBe(`sallyport/${key.hostId}`);
});

test("a key that others can read, a link and a foreign vkey are refused", () => {
  openLogKey(state);
  const refused = expect.objectContaining({ code: "SETUP" });
  chmodSync(join(state, "keys/log.key"), 0o640);
  expect(() => openLogKey(state)).toThrowError(refused);
  chmodSync(join(state, "keys/log.key"), 0o600);
  chmodSync(join(state, "keys"), 0o755);
  expect(() => openLogKey(state)).toThrowError(refused);
  chmodSync(join(state, "keys"), 0o700);
  writeFileSync(join(state, "keys/log.vkey"), `${ephemeralLogKey().vkey}\n`);
  expect(() => openLogKey(state)).toThrowError(refused);
  mkdirSync(join(state, "b/keys"), { recursive: true, mode: 0o700 });
  symlinkSync(join(state, "keys/log.key"), join(state, "b/keys/log.key"));
  expect(() => openLogKey(join(state, "b"))).toThrow();
});

test.each([
  ["no parts", "x"],
  ["another type", "n+00000000+AuHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"],
  ["another id", "example.com/log/testdata+33d7b497+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"],
  ["loose base64", "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI-oO5xCFkkSx"],
])("refuses a vkey with %s", (_what, text) => {
  expect(() => parseVkey(text)).toThrowError(expect.objectContaining({ code: "INVALID" }));
});

const isOpenssl = spawnSync("openssl", ["version"]).status === 0;

test("openssl verifies a checkpoint", (context) => {
  skipFor(isOpenssl ? "" : "needs openssl, this machine has none", context);
  const key = openLogKey(state);
  const { text } = signCheckpoint(key, `${key.name}/r1`, 0, EMPTY_ROOT);
  const [body, signature] = [text.slice(0, text.indexOf("\n\n") + 1), text.trimEnd().split(" ").at(-1)!];
  writeFileSync(join(state, "body"), body);
  writeFileSync(join(state, "sig"), Buffer.from(signature, "base64").subarray(4));
  execFileSync("openssl", [
    "pkey",
    "-in",
    join(state, "keys/log.key"),
    "-pubout",
    "-out",
    join(state, "pub.pem"),
  ]);
  const args = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", join(state, "pub.pem")];
  const out = execFileSync("openssl", [...args, "-in", join(state, "body"), "-sigfile", join(state, "sig")]);
  expect(out.toString()).toContain("Signature Verified Successfully");
});

test("unknown signature lines are ignored, malformed and missing ones are not", () => {
  const key = ephemeralLogKey();
  const { text } = signCheckpoint(key, `${key.name}/r1`, 7, EMPTY_ROOT);
  const witness = "— witness.example mJirIkljAAAA\n";
  expect(parseCheckpoint(text + witness, key).size).toBe(7);
  const [body = ""] = text.split("\n\n");
  const bad = [
    `${body}\n\n${witness}`,
    `${text}junk\n`,
    text.slice(0, -1),
    text.replace("\n7\n", "\n07\n"),
    text.replace("\n7\n", "\n8\n"),
    text.replace("/r1\n", "/r2\n"),
    text.replace("\n\n", "\nextension\n\n"),
    `\n${text}`,
    "",
  ];
  for (const note of bad) {
    expect(() => parseCheckpoint(note, key), note).toThrowError(expect.objectContaining({ code: "INVALID" }));
  }
});
