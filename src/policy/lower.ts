/** Limits of profiles that extend one another: the strictest holds, and one that says more than what it extends is a mistake. */
import type { Problem } from "./problem.ts";
import type { Fields } from "./profile_fields.ts";

type Numbers = Readonly<Record<string, unknown>>;
/** Which of two values is stricter: the lower number, the higher one, or a word. */
type Stricter = "lower" | "higher" | "refuse";

const STRICTER: Readonly<Record<string, Stricter>> = { seconds: "higher", above: "refuse" };

/**
 * Joins one section of the files, furthest ancestor first. What several of them set becomes the strictest value. `problems` gets each
 * value of a file that is less strict than the same of a file which it extends.
 */
export function lowered(
  files: readonly Fields[],
  section: "limits" | "quotas" | "breakers",
  problems: Problem[],
): Readonly<Record<string, unknown>> {
  const joined: Record<string, unknown> = {};
  for (const file of files) {
    const own = file[section] as Numbers | undefined;
    if (own === undefined) continue;
    for (const ancestor of files) {
      if (ancestor !== file && extendsIt(file, ancestor, files))
        compare(`${file["name"]}: ${section}`, own, ancestor, section, problems);
    }
    for (const [key, value] of Object.entries(own)) joined[key] = stricterValue(key, joined[key], value);
  }
  return joined;
}

function extendsIt(file: Fields, ancestor: Fields, files: readonly Fields[]): boolean {
  return ((file["extends"] ?? []) as string[]).some((name) => {
    if (name === ancestor["name"]) return true;
    const parent = files.find((one) => one["name"] === name);
    return parent !== undefined && extendsIt(parent, ancestor, files);
  });
}

function compare(field: string, own: Numbers, ancestor: Fields, section: string, problems: Problem[]): void {
  const theirs = (ancestor[section] ?? {}) as Numbers;
  for (const [key, value] of Object.entries(own)) {
    const before = theirs[key];
    if (before === undefined) continue;
    if (typeof value === "object" && value !== null) {
      const inner = { [section]: before };
      compare(`${field}.${key}`, value as Numbers, { ...inner, name: ancestor["name"] }, section, problems);
    } else if (stricterValue(key, before, value) !== value) {
      problems.push({
        field: `${field}.${key}`,
        problem: `is ${JSON.stringify(value)}, where "${ancestor["name"]}" has ${JSON.stringify(before)}`,
        remedy: `a profile can only be stricter than what it extends: write ${wayOut(key, before)}`,
      });
    }
  }
}

function wayOut(key: string, before: unknown): string {
  const how = STRICTER[key] ?? "lower";
  if (how === "refuse") return `"${String(before)}"`;
  return how === "lower" ? `at most ${String(before)}` : `at least ${String(before)}`;
}

/** The stricter of the two; of sections each value by itself, and what one of them alone says stays. */
export function stricterValue(key: string, one: unknown, two: unknown): unknown {
  if (one === undefined) return two;
  if (typeof one === "object" && typeof two === "object") {
    const both: Record<string, unknown> = { ...(one as Numbers) };
    for (const [inner, value] of Object.entries(two as Numbers))
      both[inner] = stricterValue(inner, both[inner], value);
    return both;
  }
  const how = STRICTER[key] ?? "lower";
  if (how === "refuse") return one === "refuse" ? one : two;
  return how === "lower" ? Math.min(one as number, two as number) : Math.max(one as number, two as number);
}
