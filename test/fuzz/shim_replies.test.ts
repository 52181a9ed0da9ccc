/** The reader of replies in the C library, on changed replies, under AddressSanitizer and UBSan. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sanitizerObstacle, shimProgram } from "../support/shim_program.ts";
import { VECTOR_FOLDER, VECTORS } from "../support/vectors/all.ts";

const ROUNDS = 2_000_000;

test.each([1, 2, 3, 4])("no changed reply does harm, seed %i", (seed) => {
  const obstacle = sanitizerObstacle("address");
  if (obstacle !== "") return void console.log(`skipped: ${obstacle}`);
  const replies = VECTORS.filter(({ kind }) => kind === "reply" || kind === "hello-reply");
  const files = replies.map(({ name }) => join(VECTOR_FOLDER, `${name}.msgpack`));
  const program = shimProgram("mutate", "address");
  const said = execFileSync(program, [String(seed), String(ROUNDS), ...files], { encoding: "utf8" });
  // Some must still be replies, or nothing behind the first check was tried.
  const [, read] = /(\d+) of them still replies/.exec(said) ?? [];
  expect(Number(read)).toBeGreaterThan(ROUNDS / 100);
});
