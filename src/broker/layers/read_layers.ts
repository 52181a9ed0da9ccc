import { createHash } from "node:crypto";
import { type Layer, type LayerKind, parseLayer } from "../../policy/layers/layer.ts";
import type { Source } from "../../policy/lint/finding.ts";
import { formatFinding, pathOf } from "../../policy/lint/finding.ts";
import type { Problem } from "../../policy/problem.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { TrustedDirectory, type Writer } from "./trusted_file.ts";

/** Where the layers lie. */
export type LayerPlaces = {
  /** The directory of the managed layers, below "/". */
  readonly managed: readonly string[];
  readonly home: string;
  readonly uid: number;
  readonly workspace: string;
  /** Who acts, as Cedar policies name it. */
  readonly agent: string;
};

const USUAL: readonly string[] = ["policy.yaml", "policy.cedar"];

export const MANAGED: readonly string[] = ["etc", "sallyport", "policy.d"];

/**
 * The layers that hold for a run in this workspace, highest first. A layer that is not there bounds nothing; one that can not be read,
 * is somebody else's to write, or says something that is not understood, refuses the run: throws SETUP or INVALID.
 */
export async function readLayers(places: LayerPlaces): Promise<Layer[]> {
  const { agent } = places;
  const user: Writer = { kind: "user", uid: places.uid };
  return [
    ...(await layersIn("managed", TrustedDirectory.open("/", places.managed, { kind: "root" }), null, agent)),
    ...(await layersIn(
      "user",
      TrustedDirectory.open(places.home, [".config", "sallyport"], user),
      USUAL,
      agent,
    )),
    ...(await layersIn(
      "project",
      TrustedDirectory.open(places.workspace, [".sallyport"], { kind: "anybody" }),
      USUAL,
      agent,
    )),
  ];
}

/** `only` are the files that count; null: all that end so. */
async function layersIn(
  kind: LayerKind,
  directory: TrustedDirectory | null,
  only: readonly string[] | null,
  agent: string,
): Promise<Layer[]> {
  if (directory === null) return [];
  try {
    const names = only ?? directory.names();
    const layers: Layer[] = [];
    for (const name of names) {
      // A layer that nobody reads would be believed to hold.
      if (/\.yml$/i.test(name) || (/\.yaml$/i.test(name) && !name.endsWith(".yaml")))
        throw new SallyportError(
          "SETUP",
          `Cannot use the policy in "${directory.path}/${name}": layers end with .yaml; rename it`,
        );
      if (!/\.(?:yaml|cedar)$/.test(name) || name.startsWith(".")) continue;
      const text = directory.read(name);
      if (text === null) continue;
      const file = `${directory.path}/${name}`;
      const isCedar = name.endsWith(".cedar");
      layers.push(isCedar ? await ofCedar(kind, file, text, agent) : await layerOf(kind, file, text));
    }
    return layers;
  } finally {
    directory.close();
  }
}

async function ofCedar(kind: LayerKind, file: string, text: string, agent: string): Promise<Layer> {
  return (await import("../cedar/bound.ts")).cedarLayer(kind, file, text, agent);
}

/** Reads a layer's text. Throws INVALID with a line for each problem. */
export async function layerOf(kind: LayerKind, file: string, text: string): Promise<Layer> {
  // Most runs have no layer, and the reader of YAML takes longer to load than all else.
  const { readYamlSource } = await import("../policy_files/yaml_source.ts");
  const { source, findings } = readYamlSource(text);
  const broken = findings.filter(({ severity }) => severity === "error");
  if (broken.length > 0) throw invalid(broken.map((one) => formatFinding(file, one)));
  const digest = createHash("sha256").update(text).digest("hex");
  const parsed = parseLayer(kind, file, digest, source);
  if (!parsed.ok) throw invalid(parsed.problems.map((problem) => problemLine(file, source, problem)));
  return parsed.value;
}

function problemLine(file: string, source: Source, problem: Problem): string {
  const { line, column } = source.place(pathOf(problem), "value");
  return `${file}:${line}:${column}: ${problem.field === "" ? "the file" : problem.field} ${problem.problem}; ${problem.remedy}`;
}

function invalid(lines: readonly string[]): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot use a policy layer:${lines.map((line) => `\n  ${line}`).join("")}`,
  );
}
