import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isAmong, KNOWN_TYPES, typeOf } from "../../../src/files/mime.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

test.each([
  ["image/png", ["\x89PNG\r\n\x1a\n\0\0"]],
  ["application/zip", ["PK\x03\x04anything"]],
  ["application/x-executable", ["\x7fELF\x02"]],
  ["text/x-script", ["#!/bin/sh\necho\n"]],
  ["text/plain", ["plain\ttext\n"]],
  ["text/plain", ["\xc3", "\xa9 in two chunks\n"]],
  ["empty", []],
  ["unknown", ["text, then\0"]],
  ["unknown", ["#!/bin/sh\n", "then\x01binary"]],
  ["unknown", ["not \xff UTF-8"]],
  ["unknown", ["cut short \xc3"]],
  ["unknown", ["\x01\x02\x03"]],
])("content is of the type %s", (type, chunks) => {
  expect(typeOf(chunks.map(bytes))).toBe(type);
});

test("a type is among those of a list, or of its family; the unknown never is", () => {
  expect(isAmong("image/png", ["image/*"])).toBe(true);
  expect(isAmong("image/png", ["image/jpeg", "text/*"])).toBe(false);
  expect(isAmong("unknown", ["text/*", "application/*"])).toBe(false);
  expect(isAmong("empty", ["image/png"])).toBe(true);
});

test("docs/profiles.md names every type that can be told", () => {
  const page = readFileSync(new URL("../../../docs/profiles.md", import.meta.url), "utf8");
  for (const type of KNOWN_TYPES) expect(page).toContain(`\`${type}\``);
});
