// Checks (or with --write applies) .clang-format on the C and C++ sources, with the version that the lockfile pins.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { format } from "@wasm-fmt/clang-format";

const files = execFileSync("git", ["ls-files", "native", "test", "bench"], { encoding: "utf8" })
  .split("\n")
  .filter((name) => /\.(cc|h|c)$/.test(name));
const style = readFileSync(".clang-format", "utf8");
const write = process.argv.includes("--write");
const wrong = [];
for (const file of files) {
  const text = readFileSync(file, "utf8");
  const formatted = format(text, file, style);
  if (formatted === text) continue;
  wrong.push(file);
  if (write) writeFileSync(file, formatted);
}
if (files.length === 0) {
  console.error("clang-format saw no file");
  process.exit(1);
}
if (wrong.length > 0 && !write) {
  console.error(`not formatted (npm run fix): ${wrong.join(" ")}`);
  process.exit(1);
}
console.log(`clang-format: ${files.length} files${write ? `, ${wrong.length} rewritten` : ""}`);
