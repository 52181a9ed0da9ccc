import { readFileSync } from "node:fs";
import { CAPABILITY_NAMES } from "../../platform/capabilities.ts";
import { parseCases } from "../../policy/compare/cases.ts";
import type { Finding } from "../../policy/lint/finding.ts";
import { lintProfile, type ProfileSurroundings } from "../../policy/lint/profile.ts";
import { lintByReader } from "../../policy/lint/reader.ts";
import { parseManifest } from "../../policy/packs/manifest.ts";
import { parsePoints } from "../../policy/points/config.ts";
import type { Parsed, Problem } from "../../policy/problem.ts";
import { isFields, layerProblems } from "../../policy/profile_fields.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { readCedar } from "../cedar/engine.ts";
import { knownProfiles, syscallSets } from "../profiles.ts";
import { readYamlSource } from "./yaml_source.ts";

const MAX_BYTES = 1024 * 1024;

/** Lints a text as the kind of policy file that its name says. */
export function lintText(file: string, text: string): readonly Finding[] {
  if (file.endsWith(".cedar")) return readCedar(text).findings;
  const { source, findings } = readYamlSource(text);
  const { value } = source;
  if (isFields(value) && value["layer"] !== undefined)
    return lintByReader(source, findings, "layer", layerProblems(value));
  if (isFields(value) && value["points"] !== undefined)
    return lintByReader(source, findings, "points", problemsOf(parsePoints(value)));
  if (isFields(value) && value["pack"] !== undefined)
    return lintByReader(source, findings, "pack", problemsOf(parseManifest(value, "source")));
  if (isFields(value) && value["cases"] !== undefined)
    return lintByReader(source, findings, "cases", problemsOf(parseCases(value)));
  return lintProfile(source, findings, profileSurroundings());
}

function problemsOf(parsed: Parsed<unknown>): readonly Problem[] {
  return parsed.ok ? [] : parsed.problems;
}

/** Reads and lints a file. Throws INVALID for one that can not be read. */
export function lintFile(file: string): readonly Finding[] {
  return lintText(file, readPolicyText(file));
}

export function readPolicyText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SallyportError(
      "INVALID",
      `Cannot read "${file}": ${code}; name a profile, a layer, a policy or a pack`,
    );
  }
  if (bytes.length > MAX_BYTES)
    throw new SallyportError("INVALID", `Cannot read "${file}": it is larger than ${MAX_BYTES} bytes`);
  return bytes.toString("utf8");
}

export function profileSurroundings(): ProfileSurroundings {
  return { known: knownProfiles(), syscallSets: syscallSets(), capabilities: CAPABILITY_NAMES };
}
