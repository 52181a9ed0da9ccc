/** What goes wrong in Cedar policies about paths, beside what Cedar itself refuses. */
import type { Finding, Place } from "../lint/finding.ts";
import { isFields } from "../profile_fields.ts";
import { compileCedar } from "./compile.ts";
import { actionsOf, entityOf, type PolicyJson } from "./policy_json.ts";

export type PlacedPolicy = { readonly json: PolicyJson; readonly text: string; readonly place: Place };

const PATH_TYPES = ["Dir", "File", "Program"];

export function lintCedar(policies: readonly PlacedPolicy[]): Finding[] {
  const found: Finding[] = [];
  const ids = new Map<string, number>();
  for (const [index, one] of policies.entries()) {
    const say = (
      severity: Finding["severity"],
      rule: string,
      problem: string,
      mend: string,
      needle = "",
    ): void => void found.push({ rule, severity, ...placeIn(one, needle), field: "", problem, mend });
    lintScope(one.json, say);
    lintPaths(one.json, say);
    lintConditions(one.json, say);
    const id = one.json.annotations?.["id"];
    if (id === undefined)
      say(
        "warning",
        "cedar.no-id",
        "has no @id, by which answers and records name it",
        'write @id("a-name") in front',
      );
    else if (id !== null && ids.has(id))
      say(
        "error",
        "cedar.id-twice",
        `@id("${id}") is there twice`,
        "give each policy a name of its own",
        "@id",
      );
    if (id != null) ids.set(id, index);
    const why = compileCedar([one.json], agentOf(one.json)).remainder[0]?.why;
    if (why !== undefined && one.json.conditions.length > 0)
      say(
        "error",
        "cedar.condition-on-paths",
        `speaks of paths, and ${why}: no operation on a file waits for Cedar`,
        "name paths by resource in Dir, and put conditions on execute alone, connect, issue or run",
        "when",
      );
  }
  for (const agent of new Set(policies.map(({ json }) => agentOf(json))))
    for (const { index, why } of compileCedar(
      policies.map(({ json }) => json),
      agent,
    ).remainder)
      if (why.startsWith("it has @path beside") && policies[index]!.json.conditions.length === 0)
        found.push({
          rule: "cedar.path-beside-condition",
          severity: "error",
          ...placeIn(policies[index]!, "@path"),
          field: "",
          problem:
            "narrows execute by @path, and another policy on execute has a condition, for which Cedar itself is asked: it knows no @path",
          mend: "name the directory by resource in Dir, or put the two into files of their own",
        });
  if (policies.length > 0 && policies.every(({ json }) => json.effect === "forbid"))
    found.push({
      rule: "cedar.no-permit",
      severity: "warning",
      ...policies[0]!.place,
      field: "",
      problem:
        "the file has no permit: as a policy point it denies everything, as a layer it refuses only what it forbids",
      mend: "write a permit where others are to be denied",
    });
  return found;
}

type Say = (
  severity: Finding["severity"],
  rule: string,
  problem: string,
  mend: string,
  needle?: string,
) => void;

function lintScope(policy: PolicyJson, say: Say): void {
  const { effect, principal, resource } = policy;
  const actions = actionsOf(policy);
  if (
    effect === "permit" &&
    principal.op === "All" &&
    actions === null &&
    resource.op === "All" &&
    policy.conditions.length === 0 &&
    policy.annotations?.["path"] === undefined
  )
    say(
      "error",
      "cedar.permits-everything",
      "permits everything to everybody",
      "name the action and the resource",
    );
  else if (effect === "permit" && actions === null)
    say(
      "warning",
      "cedar.any-action",
      "permits every action, with those that come later",
      "name the actions",
    );
  if (
    effect === "forbid" &&
    principal.op === "All" &&
    actions === null &&
    resource.op === "All" &&
    policy.conditions.length === 0
  )
    say(
      "error",
      "cedar.forbids-everything",
      "forbids everything: no permit holds beside it",
      "name the action and the resource",
    );
  if (
    effect === "permit" &&
    resource.op === "in" &&
    entityOf(resource.entity)?.type === "Dir" &&
    entityOf(resource.entity)?.id === "/"
  )
    say(
      "error",
      "cedar.root",
      'permits in Dir::"/", which is the whole machine',
      "name the directory",
      "Dir::",
    );
  if (
    resource.op === "==" &&
    entityOf(resource.entity)?.type === "Dir" &&
    actions?.some((one) => one === "write" || one === "create")
  )
    say(
      "warning",
      "cedar.directory-alone",
      "is about the directory itself and nothing in it",
      "write resource in",
      "==",
    );
  if (resource.op === "in" && entityOf(resource.entity)?.type === "File")
    say(
      "warning",
      "cedar.in-file",
      "nothing is in a file but itself",
      "write resource ==, or name a Dir",
      "File::",
    );
  for (const scope of [principal, resource])
    if (scope.slot !== undefined)
      say("error", "cedar.template", "is a template, which nobody fills in", "name the entity", "?");
}

function lintPaths(policy: PolicyJson, say: Say): void {
  for (const id of [entityOf(policy.resource.entity), entityOf(policy.resource.in?.entity)]) {
    if (id === null || !PATH_TYPES.includes(id.type)) continue;
    const shown = `${id.type}::"${id.id}"`;
    if (/[*?]/.test(id.id))
      say(
        "error",
        "cedar.glob-in-entity",
        `${shown} is a name and no pattern`,
        'write resource in Dir::"…", or @path("…")',
        id.type,
      );
    else if (id.id.startsWith("~") || id.id.includes("$"))
      say(
        "error",
        "cedar.variable-in-entity",
        `${shown} has a variable, which nobody fills in`,
        "write the whole path",
        id.type,
      );
    else if (!id.id.startsWith("/"))
      say("error", "cedar.relative-entity", `${shown} is relative`, "write the whole path", id.type);
    else if (/(?:^|\/)\.\.?(?:\/|$)/.test(id.id))
      say(
        "error",
        "cedar.dots-in-entity",
        `${shown} has a . or .. segment, which no name has`,
        "write the path that is meant",
        id.type,
      );
    else if (id.id.length > 1 && (id.id.endsWith("/") || id.id.includes("//")))
      say(
        "error",
        "cedar.slash-in-entity",
        `${shown} has a slash too many`,
        `write ${id.id.replace(/\/+/g, "/").replace(/(.)\/$/, "$1")}`,
        id.type,
      );
  }
  const path = policy.annotations?.["path"];
  if (path === null || path === "")
    say("error", "cedar.empty-path", "@path has no pattern", 'write @path("/srv/**")', "@path");
  else if (
    path !== undefined &&
    compileCedar([{ ...policy, conditions: [] }], agentOf(policy)).remainder.length > 0
  )
    say(
      "error",
      "cedar.path-annotation",
      `@path("${path}") is no pattern of profiles, or is not within the resource`,
      "write a pattern that lies in the directory of the scope",
      "@path",
    );
}

function lintConditions(policy: PolicyJson, say: Say): void {
  for (const { kind, body } of policy.conditions) {
    visit(body, (op, inner) => {
      if (op === "like" && isAboutPath(inner))
        say(
          "error",
          "cedar.like-on-path",
          "matches a path as text, where * also takes / and ..",
          'write resource in Dir::"…", or the annotation @path("…")',
          "like",
        );
      if (
        (op === "==" || op === "!=") &&
        isFields(inner) &&
        [inner["left"], inner["right"]].some(isAboutPath)
      )
        say("error", "cedar.path-as-text", "compares a path as text", 'write resource == File::"…"', op);
      if (
        op === "Value" &&
        typeof inner === "boolean" &&
        body !== null &&
        isFields(body) &&
        body["Value"] === inner
      )
        say(
          inner === (kind === "when") ? "warning" : "error",
          inner === (kind === "when") ? "cedar.always" : "cedar.never",
          `its condition is always ${inner === (kind === "when") ? "fulfilled" : "unfulfilled"}`,
          "take the condition, or the policy, out",
          kind,
        );
    });
  }
  const unless = policy.conditions.filter(({ kind }) => kind === "unless").length;
  if (unless > 1)
    say(
      "warning",
      "cedar.two-unless",
      "has two unless: the policy is off where either holds",
      "join them with && where both are meant",
      "unless",
    );
  if (policy.effect === "permit" && unless > 0 && policy.conditions.length === unless)
    say(
      "warning",
      "cedar.permit-unless",
      "permits everything but what the unless names, and a missing attribute is an error that permits nothing",
      "write when with what is permitted",
      "unless",
    );
}

/** Calls back for each operator with what it works on. */
function visit(expression: unknown, see: (op: string, inner: unknown) => void): void {
  if (Array.isArray(expression)) for (const one of expression) visit(one, see);
  if (!isFields(expression)) return;
  for (const [op, inner] of Object.entries(expression)) {
    see(op, inner);
    visit(inner, see);
  }
}

/** resource.path and its like, and texts that look like one. */
function isAboutPath(expression: unknown): boolean {
  let found = false;
  visit(expression, (op, inner) => {
    if (
      op === "." &&
      isFields(inner) &&
      /^(?:path|file|filename|dir|directory|workspace|cwd)$/i.test(String(inner["attr"]))
    )
      found = true;
    if (op === "Value" && typeof inner === "string" && inner.startsWith("/")) found = true;
  });
  return found;
}

function agentOf(policy: PolicyJson): string {
  return entityOf(policy.principal.entity)?.id ?? "";
}

function placeIn({ text, place }: PlacedPolicy, needle: string): Place {
  const at = needle === "" ? 0 : Math.max(0, text.indexOf(needle));
  const before = text.slice(0, at).split("\n");
  return before.length === 1
    ? { line: place.line, column: place.column + at }
    : { line: place.line + before.length - 1, column: before.at(-1)!.length + 1 };
}
