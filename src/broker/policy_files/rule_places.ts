import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { policyName } from "../../policy/cedar/asked.ts";
import type { Layer } from "../../policy/layers/layer.ts";
import type { Source } from "../../policy/lint/finding.ts";
import { listAt, textsAt } from "../../policy/lint/values.ts";
import { expandPattern, type Variables } from "../../policy/pattern.ts";
import { isFields } from "../../policy/profile_fields.ts";
import { packageRoot } from "../package_files.ts";
import { readYamlSource } from "./yaml_source.ts";

/** Says where a rule is written: FILE:LINE, or words for what is in no file; null when it is not known. `pattern` is expanded. */
export type PlaceOf = (rule: string, pattern: string | null) => string | null;

type File = { readonly name: string; readonly source: Source };

/** For a profile by what it extends (`lineage`), its own file, and the layers that it is under. Reads the files again. */
export function rulePlaces(
  lineage: readonly string[],
  profileFile: string | undefined,
  layers: readonly Layer[],
  variables: Variables,
): PlaceOf {
  const files = [
    ...(profileFile === undefined ? [] : [fileAt(profileFile, profileFile)]),
    ...builtInFiles(),
  ].filter(({ source }) => lineage.includes(nameOf(source)));
  return (rule, pattern) => {
    if (rule.startsWith("option.")) return "the command line";
    const bySection = /^native\.(read|execute)$/.exec(rule);
    if (bySection !== null) return nativePlace(files, bySection[1]!, pattern, variables);
    return layerPlace(layers, rule, pattern, variables) ?? filePlace(files, rule, pattern, variables);
  };
}

function filePlace(
  files: readonly File[],
  rule: string,
  pattern: string | null,
  variables: Variables,
): string | null {
  for (const { name, source } of files) {
    const index = listAt(source.value, "rules").findIndex((one) => isFields(one) && one["id"] === rule);
    if (index < 0) continue;
    const paths = textsAt(
      { paths: (listAt(source.value, "rules")[index] as Record<string, unknown>)["paths"] },
      "paths",
    );
    const entry = paths.findIndex(({ text }) => expanded(text, variables) === pattern);
    const at = entry < 0 ? ["rules", index] : ["rules", index, "paths", entry];
    return `${name}:${source.place(at, "value").line}`;
  }
  return null;
}

function nativePlace(
  files: readonly File[],
  access: string,
  pattern: string | null,
  variables: Variables,
): string | null {
  for (const { name, source } of files) {
    for (const { text, at } of textsAt(source.value, "native", access)) {
      const tree = expanded(text, variables);
      if (pattern === tree || pattern === `${tree}/**`) return `${name}:${source.place(at, "value").line}`;
    }
  }
  return null;
}

function layerPlace(
  layers: readonly Layer[],
  rule: string,
  pattern: string | null,
  variables: Variables,
): string | null {
  for (const layer of layers) {
    const asked = Object.values(layer.asked?.policies ?? {}).flat();
    const policy = asked.find((one) => `policy.${policyName(one)}` === rule);
    if (policy !== undefined) return `${layer.file}:${policy.place.line}`;
    if (!rule.startsWith(`${layer.kind}.`)) continue;
    const id = rule.slice(layer.kind.length + 1).replace(/-\d+$/, "");
    const found = layer.rules.find((one) =>
      id === "ceiling" ? one.effect === "allow" : one.id === id || rule.endsWith(`.${one.id}`),
    );
    if (found === undefined) continue;
    const path = found.paths.find(({ text }) => expanded(text, variables) === pattern);
    return `${layer.file}:${(path?.place ?? found.place).line}`;
  }
  return null;
}

function builtInFiles(): File[] {
  return ["profiles", "profiles/packs"].flatMap((folder) => {
    const directory = join(packageRoot(), folder);
    return readdirSync(directory)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => fileAt(`${folder}/${name}`, join(directory, name)));
  });
}

function fileAt(name: string, path: string): File {
  return { name, source: readYamlSource(readFileSync(path, "utf8")).source };
}

function nameOf({ value }: Source): string {
  return isFields(value) && typeof value["name"] === "string" ? value["name"] : "";
}

function expanded(pattern: string, variables: Variables): string | null {
  try {
    return expandPattern(pattern, variables);
  } catch {
    // Not a pattern of this run's variables.
    return null;
  }
}
