/** Cedar itself, loaded when the first policy is met: its WebAssembly is four megabytes. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { lintCedar, type PlacedPolicy } from "../../policy/cedar/lint.ts";
import type { Entity, PolicyJson } from "../../policy/cedar/policy_json.ts";
import type { Finding, Place } from "../../policy/lint/finding.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { packageRoot } from "../package_files.ts";

type Cedar = typeof import("@cedar-policy/cedar-wasm/nodejs");
type Detail = {
  readonly message: string;
  readonly help: string | null;
  readonly sourceLocations?: readonly { readonly start: number; readonly label: string | null }[];
};

const TEMPLATE = "cedar.template";

let loaded: Cedar | undefined;
let schemaText: string | undefined;

/** Event-loop thread only. */
export function cedar(): Cedar {
  loaded ??= createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs") as Cedar;
  return loaded;
}

export function cedarSchema(): string {
  schemaText ??= readFileSync(join(packageRoot(), "profiles", "cedar", "sallyport.cedarschema"), "utf8");
  return schemaText;
}

export type CedarAsk = {
  readonly agent: string;
  readonly action: string;
  readonly resource: Entity & { readonly attributes: Readonly<Record<string, unknown>> };
  /** Ancestors of the resource, as Dir has them. */
  readonly parents: readonly Entity[];
  readonly context: Readonly<Record<string, unknown>>;
};

export type CedarAnswer = {
  readonly kind: "allow" | "deny";
  readonly policies: readonly string[];
  readonly errors: readonly string[];
};

export class CedarPolicies {
  readonly file: string;
  readonly policies: readonly PlacedPolicy[];
  readonly #text: string;

  private constructor(file: string, text: string, policies: readonly PlacedPolicy[]) {
    this.file = file;
    this.policies = policies;
    this.#text = text;
  }

  /** Throws INVALID with a line for each error that lint finds. */
  static parse(file: string, text: string): CedarPolicies {
    const { policies, findings } = readCedar(text);
    const errors = findings.filter(({ severity }) => severity === "error");
    if (errors.length > 0) {
      const lines = errors.map((one) => `\n  ${file}:${one.line}:${one.column}: ${one.problem}; ${one.mend}`);
      throw new SallyportError("INVALID", `Cannot use the Cedar policies of "${file}":${lines.join("")}`);
    }
    return new CedarPolicies(file, text, policies);
  }

  get json(): readonly PolicyJson[] {
    return this.policies.map(({ json }) => json);
  }

  /** About 80 µs for ten policies, and the parsing of them. An error of evaluation denies, whatever a permit says. */
  ask({ agent, action, resource, parents, context }: CedarAsk): CedarAnswer {
    const { type, id, attributes } = resource;
    const answer = cedar().isAuthorized({
      principal: { type: "Agent", id: agent },
      action: { type: "Action", id: action },
      resource: { type, id },
      context: context as never,
      schema: cedarSchema(),
      validateRequest: true,
      policies: { staticPolicies: this.#text },
      entities: [
        { uid: { type: "Agent", id: agent }, attrs: {}, parents: [] },
        { uid: { type, id }, attrs: attributes as never, parents: [...parents] },
        ...parents.map((uid, at) => ({ uid, attrs: {}, parents: parents.slice(at + 1) })),
      ],
    });
    if (answer.type === "failure")
      return { kind: "deny", policies: [], errors: answer.errors.map(({ message }) => message) };
    const { decision, diagnostics } = answer.response;
    const errors = diagnostics.errors.map(({ error }) => error.message);
    return { kind: errors.length > 0 ? "deny" : decision, policies: diagnostics.reason, errors };
  }
}

/** The directories that hold a path, nearest first, as entities. */
export function directoriesOf(path: string): Entity[] {
  const found: Entity[] = [];
  for (let at = path.lastIndexOf("/"); at >= 0 && path !== "/"; at = path.lastIndexOf("/", at - 1)) {
    found.push({ type: "Dir", id: at === 0 ? "/" : path.slice(0, at) });
    if (at === 0) break;
  }
  return found;
}

/** Parses, validates by the schema, and lints. */
export function readCedar(text: string): { policies: readonly PlacedPolicy[]; findings: readonly Finding[] } {
  const placeAt = (offset: number): Place => {
    // Cedar counts bytes.
    const before = Buffer.from(text).subarray(0, offset).toString("utf8").split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  };
  const fromCedar = (
    rule: string,
    severity: Finding["severity"],
    { message, help, sourceLocations = [] }: Detail,
  ): Finding => ({
    rule,
    severity,
    ...placeAt(sourceLocations[0]?.start ?? 0),
    field: "",
    problem: message
      .replace(/^failed to parse policies from string: /, "")
      .replace(/^for policy `[^`]*`, /, "")
      .slice(0, 300),
    mend:
      help?.replace(/\n[\s\S]*$/, "").replace(/^for policy `[^`]*`, /, "") ??
      sourceLocations[0]?.label ??
      mendOf(rule),
  });
  const parsed = cedar().policySetTextToParts(text);
  if (parsed.type === "failure")
    return {
      policies: [],
      findings: parsed.errors.map((one) => fromCedar(syntaxRule(one.message), "error", one as Detail)),
    };
  const findings: Finding[] = [];
  const policies: PlacedPolicy[] = [];
  let from = 0;
  for (const one of parsed.policies) {
    const at = text.indexOf(one, from);
    from = at + one.length;
    const json = cedar().policyToJson(one);
    if (json.type === "success")
      policies.push({
        json: json.json as PolicyJson,
        text: one,
        place: placeAt(Buffer.byteLength(text.slice(0, Math.max(0, at)))),
      });
  }
  for (const one of parsed.policy_templates) {
    const place = placeAt(Buffer.byteLength(text.slice(0, Math.max(0, text.indexOf(one)))));
    findings.push({
      rule: TEMPLATE,
      severity: "error",
      ...place,
      field: "",
      problem: "is a template, which nobody fills in",
      mend: "name the entity",
    });
  }
  const checked = cedar().validate({
    schema: cedarSchema(),
    policies: { staticPolicies: parsed.policies.join("\n") },
  });
  const offsets = parsed.policies.join("\n") === text.trimEnd();
  if (checked.type === "failure")
    findings.push(...checked.errors.map((one) => fromCedar("cedar.schema", "error", one as Detail)));
  else {
    const whole = offsets
      ? checked
      : cedar().validate({ schema: cedarSchema(), policies: { staticPolicies: text } });
    if (whole.type === "success") {
      findings.push(
        ...whole.validationErrors.map(({ error }) =>
          fromCedar(validationRule(error.message), "error", error as Detail),
        ),
      );
      findings.push(
        ...whole.validationWarnings.map(({ error }) =>
          fromCedar(warningRule(error.message), "warning", error as Detail),
        ),
      );
    }
  }
  // What applies to nothing does so because of an error that is named already.
  if (findings.some(({ rule }) => rule === "cedar.unknown-type" || rule === "cedar.unknown-action"))
    findings.splice(0, findings.length, ...findings.filter(({ rule }) => rule !== "cedar.action-resource"));
  const named = new Set<string>();
  const all = [...lintCedar(policies), ...findings].filter(
    ({ rule, line, column }) =>
      !named.has(`${rule} ${line}:${column}`) && named.add(`${rule} ${line}:${column}`),
  );
  return { policies, findings: all.sort((a, b) => a.line - b.line || a.column - b.column) };
}

function syntaxRule(message: string): string {
  if (/unexpected end of input/.test(message)) return "cedar.unfinished";
  if (/duplicate annotation/i.test(message)) return "cedar.annotation-twice";
  if (/invalid policy condition/.test(message)) return "cedar.clause";
  if (/invalid policy effect|not a valid policy effect/.test(message)) return "cedar.effect";
  return "cedar.syntax";
}

function warningRule(message: string): string {
  if (/unable to find an applicable action|impossible/.test(message)) return "cedar.action-resource";
  if (/confusable|bidi|mixed scripts/i.test(message)) return "cedar.look-alike";
  return "cedar.suspect";
}

function validationRule(message: string): string {
  if (/unrecognized entity type/.test(message)) return "cedar.unknown-type";
  if (/unrecognized action/.test(message)) return "cedar.unknown-action";
  if (/attribute .* not found/.test(message)) return "cedar.unknown-attribute";
  if (/unable to find an applicable action/.test(message)) return "cedar.action-resource";
  if (
    /are not compatible|unexpected type|must have the same type|not comparable|type mismatch|expected type/i.test(
      message,
    )
  )
    return "cedar.wrong-type";
  if (/unable to guarantee safety of access to optional attribute/.test(message))
    return "cedar.optional-attribute";
  return "cedar.invalid";
}

function mendOf(rule: string): string {
  return rule === "cedar.unfinished"
    ? "close the policy with ;"
    : "see profiles/cedar/sallyport.cedarschema for what there is";
}
