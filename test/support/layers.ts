import { isBuiltin } from "node:module";
import { posix } from "node:path";

/** Who may import whom. A folder that is not here is refused: a new one is a decision, made by adding its line. */

const CORE = ["protocol", "policy", "limits"];
const BELOW_BROKER = [...CORE, "tokens", "platform", "audit", "files", "intent", "events"];

export const TS_LAYERS: { readonly [folder: string]: readonly string[] } = {
  protocol: [],
  policy: ["protocol"],
  limits: ["protocol"],
  tokens: ["protocol", "policy"],
  platform: CORE,
  audit: [...CORE, "platform"],
  files: [...CORE, "platform"],
  intent: [...CORE, "platform"],
  events: [...CORE, "platform"],
  broker: BELOW_BROKER,
  service: [...BELOW_BROKER, "broker"],
  console: [...BELOW_BROKER, "broker"],
  mcp: ["protocol", "client"],
  cli: [...BELOW_BROKER, "broker", "mcp"],
  client: ["protocol", "platform", "tokens"],
  register: ["protocol", "platform", "client"],
};
/** Pure folders: the same code must run and be replayed anywhere. */
const WITHOUT_NODE = CORE;
/** Packages that one place alone may import: a file, or a folder with its final slash. */
const PACKAGE_PLACES: { readonly [name: string]: string } = {
  msgpackr: "src/protocol/codec.ts",
  "ffi-rs": "src/platform/",
  "@modelcontextprotocol/sdk": "src/mcp/",
};
const ADDON_PLACE = "src/platform/binding.ts";

const FACILITIES = [
  "landlock",
  "seccomp",
  "notify",
  "launch",
  "netns",
  "relay",
  "cgroup",
  "fs",
  "socket",
  "watch",
  "process",
  "probe",
];
const LINUX = FACILITIES.map((facility) => `linux/${facility}`);
const KERNEL = ["base", "plan", "linux/uapi.h", "linux/raw_syscall.h"];
export const NATIVE_LAYERS: { readonly [folder: string]: readonly string[] } = {
  base: [],
  plan: ["base"],
  "linux/uapi.h": [],
  "linux/raw_syscall.h": ["linux/uapi.h"],
  ...Object.fromEntries(LINUX.map((folder) => [folder, KERNEL])),
  // docs/decisions/0007: a notification is read from its caller's memory and names.
  "linux/notify": [...KERNEL, "linux/process", "linux/fs"],
  launcher: ["base", "plan", "linux/launch", "linux/netns", "linux/uapi.h"],
  binding: ["base", "plan", "linux/uapi.h", ...LINUX],
  "addon.cc": ["base", "binding"],
  "build.mjs": [],
  "sources.linux.txt": [],
  "sources.launcher.txt": [],
  shim: [],
  "sources.shim.txt": [],
  "sources.preload.txt": [],
};
const NAPI_PLACES = ["binding", "addon.cc"];

const MAX_LINES = 500;
const EMPTY_NAME = /(^|[/_.-])(utils?|helpers?|common|managers?)([/_.-]|$)/i;

export type Survey = {
  readonly problems: readonly string[];
  readonly files: number;
  /** Imports of our own files, the way in which each was read. */
  readonly tsImports: number;
  readonly nativeIncludes: number;
};

/** `sources` is the text of each file by its path from the root of the package, "/"-separated. */
export function surveyLayers(sources: ReadonlyMap<string, string>): Survey {
  const problems: string[] = [];
  let tsImports = 0;
  let nativeIncludes = 0;
  for (const [file, text] of sources) {
    if (EMPTY_NAME.test(file)) problems.push(`${file}: a name that says nothing`);
    const lines = text.split("\n").length - 1;
    if (lines > MAX_LINES) problems.push(`${file}: ${lines} lines, at most ${MAX_LINES}`);
    if (file.startsWith("src/")) tsImports += surveyTs(file, text, problems);
    if (file.startsWith("native/")) nativeIncludes += surveyNative(file, text, problems);
  }
  return { problems, files: sources.size, tsImports, nativeIncludes };
}

function surveyTs(file: string, text: string, problems: string[]): number {
  const folder = tsFolder(file);
  const allowed = TS_LAYERS[folder];
  if (allowed === undefined) problems.push(`${file}: folder "${folder}" is in no layer`);
  if (file !== ADDON_PLACE && /["'`](#addon|[^"'`\n]*\.node)["'`]|\.dlopen\(/.test(text)) {
    problems.push(`${file}: loads an addon`);
  }
  let own = 0;
  for (const [, specifier] of text.matchAll(
    /(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*["'`]([^"'`\n]+)["'`]/g,
  )) {
    if (!specifier!.startsWith(".")) {
      problems.push(...packageProblems(file, folder, specifier!));
      continue;
    }
    own++;
    const target = posix.join(posix.dirname(file), specifier!);
    const there = tsFolder(target);
    if (!target.startsWith("src/")) problems.push(`${file}: imports ${target}, outside of src`);
    else if (there !== folder && !allowed?.includes(there))
      problems.push(`${file}: ${folder} may not import ${there}`);
  }
  return own;
}

function packageProblems(file: string, folder: string, specifier: string): string[] {
  const name = specifier.startsWith("@") ? specifier.split("/", 2).join("/") : specifier.split("/", 1)[0]!;
  if (WITHOUT_NODE.includes(folder) && isBuiltin(specifier))
    return [`${file}: ${folder} may not import ${specifier}`];
  const place = Object.hasOwn(PACKAGE_PLACES, name) ? PACKAGE_PLACES[name]! : undefined;
  const inPlace = place === undefined || file === place || (place.endsWith("/") && file.startsWith(place));
  return inPlace ? [] : [`${file}: only ${place} may import ${name}`];
}

function surveyNative(file: string, text: string, problems: string[]): number {
  const folder = nativeFolder(file.slice("native/".length));
  const allowed = NATIVE_LAYERS[folder];
  if (allowed === undefined) problems.push(`${file}: folder "${folder}" is in no layer`);
  let own = 0;
  for (const [, system, quoted] of text.matchAll(/^\s*#\s*include\s*(?:<([^>\n]+)>|"([^"\n]+)")/gm)) {
    const header = system ?? quoted!;
    if (/^(napi|node_api|js_native_api)/.test(header) && !NAPI_PLACES.includes(folder)) {
      problems.push(`${file}: only binding may include ${header}`);
    }
    if (quoted === undefined) continue;
    own++;
    const there = nativeFolder(quoted);
    if (there !== folder && !allowed?.includes(there))
      problems.push(`${file}: ${folder} may not include ${quoted}`);
  }
  return own;
}

function tsFolder(file: string): string {
  const steps = file.split("/");
  return steps.length > 2 ? steps[1]! : "";
}

/** "linux/fs" of linux/fs/open.h, "base" of base/check.h; a file that lies in no folder stands for itself. */
function nativeFolder(path: string): string {
  const steps = path.split("/");
  const isSystem = ["linux", "windows", "macos"].includes(steps[0]!);
  return steps.slice(0, isSystem ? 2 : 1).join("/");
}
