/**
 * A layer bounds the profiles of many runs: managed over user over project. It grants nothing. Its deny rules hold for every run; for
 * each right that its allow rules name, nothing else is granted; the rest is what it asks at least or lets be granted at most.
 */
import type { AskedOfCedar } from "../cedar/asked.ts";
import type { Path, Place, Source } from "../lint/finding.ts";
import type { Parsed } from "../problem.ts";
import { type Fields, layerProblems } from "../profile_fields.ts";
import { RIGHT, type RightName } from "../rights.ts";

/** profile: the Cedar policies that a profile or a pack brings along bound it as a layer does, below all others. */
export type LayerKind = "managed" | "user" | "project" | "profile";

/** Highest first. */
export const LAYER_KINDS: readonly LayerKind[] = ["managed", "user", "project", "profile"];

export type LayerPattern = { readonly text: string; readonly place: Place };

export type LayerRule = {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly rights: number;
  readonly paths: readonly LayerPattern[];
  readonly except: readonly string[];
  readonly reason: string;
  readonly remedy: string;
  readonly place: Place;
};

export type Layer = {
  readonly kind: LayerKind;
  readonly file: string;
  /** SHA-256 of its text, hex. */
  readonly digest: string;
  readonly rules: readonly LayerRule[];
  /** What `-p` may name; null: anything. */
  readonly profiles: readonly string[] | null;
  /** Grants of hosts and ports that hold at most; null: not spoken of. */
  readonly network: {
    readonly allow: readonly LayerPattern[] | null;
    readonly listen: readonly number[] | null;
  };
  /** What Cedar itself answers; absent: nothing. */
  readonly asked?: AskedOfCedar;
  /** All other fields, as written. */
  readonly fields: Fields;
  /** FILE:LINE of a field. */
  where(...at: Path): string;
};

/** Reads a layer of the given kind. The problems name fields of the file. */
export function parseLayer(kind: LayerKind, file: string, digest: string, source: Source): Parsed<Layer> {
  const problems = layerProblems(source.value);
  const value = source.value as Fields;
  if (problems.length === 0 && value["layer"] !== kind) {
    const problem = `is "${value["layer"]}", and the file lies where the ${kind} layer is`;
    problems.push({ field: "layer", problem, remedy: `write layer: ${kind}` });
  }
  if (problems.length > 0) return { ok: false, problems };
  const patternsAt = (...at: Path): LayerPattern[] =>
    listOf<string>(valueIn(value, at)).map((text, index) => ({
      text,
      place: source.place([...at, index], "value"),
    }));
  const rules = listOf<Fields>(value["rules"]).map(
    (rule, index): LayerRule => ({
      id: rule["id"] as string,
      effect: rule["effect"] as "allow" | "deny",
      rights: listOf<RightName>(rule["rights"]).reduce((sum, right) => sum | RIGHT[right], 0),
      paths: patternsAt("rules", index, "paths"),
      except: listOf<string>(rule["except"]),
      reason: rule["reason"] as string,
      remedy: (rule["remedy"] ?? "") as string,
      place: source.place(["rules", index], "value"),
    }),
  );
  const network = (value["network"] ?? {}) as Fields;
  return {
    ok: true,
    value: {
      kind,
      file,
      digest,
      rules,
      profiles: (value["profiles"] as string[] | undefined) ?? null,
      network: {
        allow: network["allow"] === undefined ? null : patternsAt("network", "allow"),
        listen: (network["listen"] as number[] | undefined) ?? null,
      },
      fields: value,
      where: (...at) => `${file}:${source.place(at, "value").line}`,
    },
  };
}

/** For the start line and the record: kinds with the start of their digests. */
export function describeLayers(layers: readonly Layer[], digits: "short" | "whole"): string {
  return layers
    .map(({ kind, file, digest }) =>
      digits === "short" ? `${kind} ${digest.slice(0, 8)}` : `${kind} ${file} sha256:${digest}`,
    )
    .join(", ");
}

function listOf<T>(value: unknown): T[] {
  return (value ?? []) as T[];
}

function valueIn(value: unknown, at: Path): unknown {
  let inner = value;
  for (const step of at) inner = (inner as Record<string | number, unknown> | undefined)?.[step];
  return inner;
}
