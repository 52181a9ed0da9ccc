import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lintText } from "../../../../src/broker/policy_files/lint_file.ts";
import { knownProfiles } from "../../../../src/broker/profiles.ts";

const PROFILES = join(import.meta.dirname, "../../../../profiles");
/** What a built-in profile or pack is by its nature. */
const BY_NATURE = [
  "name.built-in",
  "name.pack",
  "rule.denies-nothing",
  "rule.path-within",
  "grant.own-state",
  "extends.nothing",
];

describe("the profiles that come with Sallyport", () => {
  const files = ["", "packs"].flatMap((folder) =>
    readdirSync(join(PROFILES, folder))
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => join(PROFILES, folder, name)),
  );

  it.each(files)("%s has no error", (file) => {
    const errors = lintText(file, readFileSync(file, "utf8")).filter(
      ({ rule, severity }) => severity === "error" && !BY_NATURE.includes(rule),
    );
    expect(errors).toEqual([]);
  });

  it("are all looked at", () => {
    expect(files.length).toBe(Object.keys(knownProfiles()).length);
  });
});
