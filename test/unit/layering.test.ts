import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { surveyLayers, TS_LAYERS } from "../support/layers.ts";

const ROOT = join(import.meta.dirname, "../..");

function readTree(...folders: string[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of folders) {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      sources.set(file.slice(ROOT.length + 1), readFileSync(file, "utf8"));
    }
  }
  return sources;
}

function problemsOf(file: string, text: string): readonly string[] {
  return surveyLayers(new Map([[file, text]])).problems;
}

describe("layers", () => {
  const sources = readTree("src", "native", "test", "bench");
  const survey = surveyLayers(sources);

  it("hold in the whole tree", () => {
    expect(survey.problems).toEqual([]);
  });

  it("were looked at: every file, and every import that a plain search finds", () => {
    expect(survey.files).toBe(sources.size);
    const count = (folder: string, pattern: RegExp) => {
      const texts = [...sources].filter(([file]) => file.startsWith(folder)).map(([, text]) => text);
      return texts.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);
    };
    expect(survey.tsImports).toBe(count("src/", /"\.[^"]*\.ts"/g));
    expect(survey.nativeIncludes).toBe(count("native/", /#include "/g));
    // The least there ever was: a survey of an empty tree would find no problem either.
    expect([...sources.keys()].filter((file) => file.startsWith("src/")).length).toBeGreaterThanOrEqual(23);
    expect(survey.tsImports).toBeGreaterThanOrEqual(45);
    expect(survey.nativeIncludes).toBeGreaterThanOrEqual(3);
  });

  it("never lead back: whom a layer imports does not import it", () => {
    for (const [folder, allowed] of Object.entries(TS_LAYERS)) {
      for (const other of allowed) expect(TS_LAYERS[other], `${folder} and ${other}`).not.toContain(folder);
    }
  });

  it.each([
    ["src/newcomer/a.ts", ""],
    ["src/a.ts", ""],
    ["native/newcomer/a.cc", ""],
    ["native/linux/newcomer/a.cc", ""],
    ["native/linux/other.h", ""],
    ["native/other.cc", ""],
    ["src/protocol/a.ts", 'import { a } from "../policy/a.ts";'],
    ["src/policy/a.ts", 'import type { A } from "../platform/a.ts";'],
    ["src/platform/a.ts", 'export { a } from "../audit/a.ts";'],
    ["src/audit/a.ts", 'import { a } from "../files/a.ts";'],
    ["src/client/a.ts", 'import { a } from "../policy/a.ts";'],
    ["src/broker/ops/a.ts", 'await import("../../cli/a.ts");'],
    ["src/broker/a.ts", 'import "../../test/a.ts";'],
    ["src/protocol/a.ts", 'import { join } from "node:path";'],
    ["src/policy/a.ts", 'import { join } from "path";'],
    ["src/limits/a.ts", 'import { performance } from "node:perf_hooks";'],
    ["src/protocol/parse.ts", 'import { unpack } from "msgpackr";'],
    ["src/client/a.ts", 'import { unpack } from "msgpackr/unpack";'],
    ["src/broker/a.ts", 'import { load } from "ffi-rs";'],
    ["src/platform/a.ts", 'createRequire(import.meta.url)("../../build/Release/sallyport.node");'],
    ["src/cli/a.ts", 'require("#addon");'],
    ["src/cli/a.ts", "process.dlopen(module, name);"],
    ["native/base/a.h", '#include "plan/a.h"'],
    ["native/plan/a.h", '#include "linux/launch/a.h"'],
    ["native/linux/socket/a.cc", '#include "linux/fs/open.h"'],
    ["native/linux/fs/a.cc", '#include "binding/binding.h"'],
    ["native/linux/fs/a.cc", "#include <napi.h>"],
    ["native/launcher/a.cc", '#include "linux/fs/open.h"'],
    ["native/launcher/a.cc", "# include <node_api.h>"],
    ["native/addon.cc", '#include "linux/fs/open.h"'],
    ["src/broker/utils.ts", ""],
    ["src/broker/path_helpers.ts", ""],
    ["src/common/a.ts", ""],
    ["src/broker/run-manager.ts", ""],
    ["src/broker/a.ts", "\n".repeat(501)],
  ])("refuse %s with %j", (file, text) => {
    expect(problemsOf(file, text)).not.toEqual([]);
  });

  it.each([
    ["src/platform/seccomp/a.ts", 'import { load } from "ffi-rs";\nimport { a } from "../../policy/a.ts";'],
    ["src/protocol/codec.ts", 'import { Packr } from "msgpackr";'],
    ["src/client/a.ts", 'import { a } from "../platform/binding.ts";'],
    ["native/linux/fs/a.cc", '#include "linux/uapi.h"\n#include "linux/fs/open.h"\n#include "base/check.h"'],
    ["native/launcher/a.cc", '#include "linux/launch/child.h"\n#include "plan/a.h"'],
    ["native/binding/fs.cc", '#include <napi.h>\n#include "linux/fs/open.h"'],
    ["src/broker/a.ts", "\n".repeat(500)],
  ])("accept %s with %j", (file, text) => {
    expect(problemsOf(file, text)).toEqual([]);
  });
});
