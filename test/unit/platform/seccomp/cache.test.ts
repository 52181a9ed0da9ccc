import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cachedFilter, cacheKey } from "../../../../src/platform/seccomp/cache.ts";
import { compileFilter } from "../../../../src/platform/seccomp/compile.ts";
import { ALL_OPTIONS } from "../../../../src/platform/seccomp/lint.ts";
import { baseSpec } from "../../../support/builtin.ts";
import { describeWithLibseccomp } from "../../../support/libseccomp.ts";

const spec = baseSpec();
const options = { mediation: "writes", memfd: "noexec", inet: "refused" } as const;
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sallyport-cache-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describeWithLibseccomp("the filter cache", () => {
  test("gives back what was compiled, for the owner's eyes", () => {
    const first = cachedFilter(spec, options, join(directory, "new"));
    const [name] = readdirSync(join(directory, "new"));
    expect(name).toBe(`${cacheKey(spec, options)}.filter`);
    expect(statSync(join(directory, "new", name!)).mode & 0o777).toBe(0o600);
    expect(cachedFilter(spec, options, join(directory, "new"))).toEqual(first);
    expect(first).toEqual(compileFilter(spec, options));
  });

  test("compiles again where an entry is damaged anywhere, or cut", () => {
    const whole = cachedFilter(spec, options, directory);
    const file = join(directory, readdirSync(directory)[0]!);
    const good = readFileSync(file);
    for (const at of [0, 31, 32, 40, good.length >> 1, good.length - 1]) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1;
      writeFileSync(file, bad);
      expect(cachedFilter(spec, options, directory)).toEqual(whole);
      expect(readFileSync(file)).toEqual(good);
    }
    for (const length of [0, 10, 32, good.length - 1]) {
      writeFileSync(file, good.subarray(0, length));
      expect(cachedFilter(spec, options, directory)).toEqual(whole);
    }
  });

  test("compiles again where the library is another than the one that compiled", () => {
    const whole = cachedFilter(spec, options, directory);
    const file = join(directory, readdirSync(directory)[0]!);
    const good = readFileSync(file);
    const content = JSON.parse(good.subarray(32).toString());
    expect(content.library.file).toMatch(/^\/.*libseccomp\.so/);
    for (const library of [
      null,
      { ...content.library, identity: "1,2,3,4" },
      { file: "/gone", identity: "1" },
    ]) {
      const other = Buffer.from(JSON.stringify({ ...content, library }));
      writeFileSync(file, Buffer.concat([createHash("sha256").update(other).digest(), other]));
      expect(cachedFilter(spec, options, directory)).toEqual(whole);
      expect(readFileSync(file)).toEqual(good);
    }
  });

  test("does without a directory it cannot make", () => {
    writeFileSync(join(directory, "file"), "");
    expect(cachedFilter(spec, options, join(directory, "file", "below"))).toEqual(
      compileFilter(spec, options),
    );
  });
});

test("the key tells apart what compiles apart", () => {
  const changed = { ...spec, rules: spec.rules.slice(1) };
  const keys = [...ALL_OPTIONS.map((one) => cacheKey(spec, one)), cacheKey(changed, options)];
  expect(new Set(keys).size).toBe(keys.length);
});
