import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { binding } from "../../src/platform/binding.ts";

it("names each feature once, with an outcome that fits its errno", () => {
  const findings = binding.probe();
  expect(new Set(findings.map(({ name }) => name)).size).toBe(findings.length);
  expect(findings.length).toBeGreaterThan(20);
  for (const { outcome, errno, syscall } of findings) {
    expect(outcome).toBe(errno === 0 ? "works" : "missing");
    expect(syscall).not.toBe("");
  }
});

it("agrees with what the kernel says of Landlock", () => {
  const landlock = binding.probe().find(({ name }) => name === "landlock");
  expect(landlock?.outcome === "works" ? landlock.value : 0).toBe(binding.landlockAbi());
});

it("leaves the caller as it was", () => {
  const status = () =>
    readFileSync("/proc/thread-self/status", "utf8").match(/^(Seccomp|NoNewPrivs|SigBlk|CapEff).*$/gm);
  const mappings = () =>
    readFileSync("/proc/self/maps", "utf8")
      .split("\n")
      .filter((line) => line.includes("rw-p 00000000 00:00 0"));
  binding.probe();
  const before = { status: status(), fds: readdirSync("/proc/self/fd").length, maps: mappings().length };
  for (let i = 0; i < 20; ++i) binding.probe();
  expect({ status: status(), fds: readdirSync("/proc/self/fd").length }).toEqual({
    status: before.status,
    fds: before.fds,
  });
  expect(mappings().length).toBeLessThan(before.maps + 20);
  expect(readdirSync(tmpdir()).filter((name) => name.includes("sallyport-probe"))).toEqual([]);
});
