/** The environment of a run: only what the profile names, and what the run sets itself. */
export type EnvironmentRules = {
  /** Names, or prefixes that end in `*`. */
  readonly allow: readonly string[];
  readonly set: Readonly<Record<string, string>>;
};

/** Gives `NAME=value` strings. A variable that is neither allowed nor set does not exist inside. */
export function scrub(
  outside: Readonly<Record<string, string | undefined>>,
  rules: EnvironmentRules,
  own: Readonly<Record<string, string>>,
): string[] {
  const inside = new Map<string, string>();
  for (const [name, value] of Object.entries(outside)) {
    if (value !== undefined && rules.allow.some((rule) => matches(rule, name))) inside.set(name, value);
  }
  for (const [name, value] of Object.entries(rules.set)) inside.set(name, value);
  for (const [name, value] of Object.entries(own)) inside.set(name, value);
  return [...inside].map(([name, value]) => `${name}=${value}`);
}

function matches(rule: string, name: string): boolean {
  return rule.endsWith("*") ? name.startsWith(rule.slice(0, -1)) : name === rule;
}
