// Parses the YAML files of this folder into dist/profiles.json, by the digest of their text: src/broker/yaml_text.ts.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const here = dirname(fileURLToPath(import.meta.url));
const texts = readdirSync(here, { recursive: true })
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((name) => readFileSync(join(here, name), "utf8"));
const parsed = texts.map((text) => [createHash("sha256").update(text).digest("hex"), parse(text)]);
writeFileSync(join(here, "..", "dist", "profiles.json"), JSON.stringify(Object.fromEntries(parsed)));
