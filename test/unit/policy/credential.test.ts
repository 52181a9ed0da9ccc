import { describe, expect, test } from "vitest";
import { parseCredential, parseSecretSource } from "../../../src/policy/credential.ts";

describe("a credential", () => {
  test.each([
    [
      "URL@api.example.org=Authorization:/x",
      "api.example.org",
      443,
      { kind: "endpoint", variable: "URL", path: "" },
    ],
    [
      "URL@API.example.org.:8443/v1=X-Key:@-",
      "api.example.org",
      8443,
      { kind: "endpoint", variable: "URL", path: "/v1" },
    ],
    ["terminated:api.example.org=Authorization:/x", "api.example.org", 443, { kind: "terminated" }],
    ["terminated:api.example.org:8443=x-key:@12", "api.example.org", 8443, { kind: "terminated" }],
    [
      "terminated@api.example.org=x-key:x",
      "api.example.org",
      443,
      { kind: "endpoint", variable: "terminated", path: "" },
    ],
  ])("%s", (text, host, port, way) => {
    expect(parseCredential(text)).toMatchObject({ host, port, way });
  });

  test.each([
    "",
    "api.example.org=Authorization:/x",
    "tls:api.example.org=Authorization:/x",
    "terminated:api.example.org/v1=Authorization:/x",
    "terminated:URL@api.example.org=Authorization:/x",
    "terminated:*.example.org=Authorization:/x",
    "terminated:10.0.0.1=Authorization:/x",
    "terminated:[::1]=Authorization:/x",
    "terminated:api.example.org:0=Authorization:/x",
    "terminated:api.example.org:065=Authorization:/x",
    "terminated:api.example.org:65536=Authorization:/x",
    "terminated:api.example.org=Authorization:",
    "terminated:api.example.org=Authorization",
    "terminated:api.example.org=Host:/x",
    "terminated:api.example.org=Transfer-Encoding:/x",
    "terminated:api.example.org=a b:/x",
    "URL@api.example.org/../x=Host:/x",
    "URL@api.example.org=Authorization:@",
    "1@api.example.org=Authorization:/x",
  ])("%s is none", (text) => {
    expect(parseCredential(text)).toBeNull();
  });
});

test.each([
  ["@-", { kind: "descriptor", fd: 0 }],
  ["@3", { kind: "descriptor", fd: 3 }],
  ["@1023", { kind: "descriptor", fd: 1023 }],
  ["./@-", { kind: "file", file: "./@-" }],
  ["-", { kind: "file", file: "-" }],
  ["@0", null],
  ["@1", null],
  ["@2", null],
  ["@03", null],
  ["@3x", null],
  ["@99999", null],
  ["@-x", null],
  ["@/file", null],
  ["", null],
  ["a\0b", null],
])("%j as a source is %j", (text, source) => {
  expect(parseSecretSource(text)).toEqual(source);
});
