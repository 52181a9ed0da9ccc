import { describe } from "vitest";
import { libseccompVersion } from "../../src/platform/seccomp/libseccomp.ts";

/** `describe` where libseccomp can be loaded; elsewhere the reason is printed and the tests are counted as skipped. */
export function describeWithLibseccomp(name: string, tests: () => void): void {
  if (libseccompVersion() !== null) {
    describe(name, tests);
    return;
  }
  console.log(`${name}: skipped: needs libseccomp.so.2, this machine has none`);
  describe.skip(name, tests);
}
