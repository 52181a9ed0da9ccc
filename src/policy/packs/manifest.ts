/** What a policy pack says of itself. Pure. */
import type { Parsed, Problem } from "../problem.ts";
import { type Fields, isFields } from "../profile_fields.ts";

export type Manifest = {
  /** Version of this format. */
  readonly pack: 1;
  readonly name: string;
  /** MAJOR.MINOR.PATCH. */
  readonly version: string;
  readonly description: string;
  /** SHA-256 of each file, hex, by its name. */
  readonly files: Readonly<Record<string, string>>;
};

/** Files that a pack has; those behind the first two may be missing. */
export const PACK_FILES: readonly string[] = ["profile.yaml", "cases.yaml", "prompts.yaml", "policy.cedar"];
export const REQUIRED_FILES: readonly string[] = PACK_FILES.slice(0, 2);
const FIELDS = ["pack", "name", "version", "description", "files"];
export const PACK_NAME: RegExp = /^[a-z][a-z0-9-]{1,62}$/;
const MAX_PROMPT = 500;

/** `files` are only there in a pack that was built. */
export function parseManifest(value: unknown, built: "source" | "built"): Parsed<Manifest> {
  const problems: Problem[] = [];
  const say = (field: string, problem: string, remedy: string): void =>
    void problems.push({ field, problem, remedy });
  if (!isFields(value))
    return {
      ok: false,
      problems: [
        { field: "", problem: "is no mapping", remedy: "write pack, name, version and description" },
      ],
    };
  for (const key of Object.keys(value))
    if (!FIELDS.includes(key)) say(key, "is unknown", `write one of ${FIELDS.join(", ")}`);
  if (value["pack"] !== 1)
    say("pack", `is ${JSON.stringify(value["pack"])}`, "write pack: 1, the version of the format");
  if (typeof value["name"] !== "string" || !PACK_NAME.test(value["name"]))
    say("name", "is no name", "write lower-case words joined by dashes");
  if (typeof value["version"] !== "string" || !/^\d+\.\d+\.\d+$/.test(value["version"]))
    say("version", "is no version of three numbers", "write it as text, such as 1.0.0");
  if (typeof value["description"] !== "string" || value["description"] === "")
    say("description", "is missing", "say in one line what the pack is for");
  if (built === "built") checkFiles(value["files"], say);
  else if (value["files"] !== undefined) say("files", "is written when the pack is built", "take it out");
  return problems.length > 0
    ? { ok: false, problems }
    : {
        ok: true,
        value: { ...(value as unknown as Manifest), files: (value["files"] ?? {}) as Manifest["files"] },
      };
}

/** Texts of prompts by the id of what they ask for: plain lines, since they are shown where a person decides. */
export function parsePrompts(value: unknown): Parsed<Readonly<Record<string, string>>> {
  const problems: Problem[] = [];
  if (!isFields(value))
    return {
      ok: false,
      problems: [{ field: "", problem: "is no mapping", remedy: "write a text for each id" }],
    };
  for (const [id, text] of Object.entries(value)) {
    const say = (problem: string, remedy: string): void => void problems.push({ field: id, problem, remedy });
    if (!/^[a-z][a-z0-9.-]*$/.test(id)) say("is no id", "write lower-case words joined by dots and dashes");
    if (typeof text !== "string" || text.trim() === "") say("has no text", "write what a person is asked");
    else if (text.length > MAX_PROMPT) say(`is longer than ${MAX_PROMPT} characters`, "shorten it");
    else if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text))
      say("holds a character that does not print", "take it out: a prompt is one plain line");
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: value as Record<string, string> };
}

function checkFiles(files: unknown, say: (field: string, problem: string, remedy: string) => void): void {
  if (!isFields(files)) {
    say("files", "is missing", "build the pack: sallyport policy pack build");
    return;
  }
  for (const [name, digest] of Object.entries(files as Fields)) {
    if (!PACK_FILES.includes(name))
      say(`files.${name}`, "is no file of a pack", `write one of ${PACK_FILES.join(", ")}`);
    if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest))
      say(`files.${name}`, "is no digest", "build the pack again");
  }
  for (const name of REQUIRED_FILES)
    if (files[name] === undefined) say(`files.${name}`, "is missing", "build the pack again");
}
