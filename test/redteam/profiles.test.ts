import { join } from "node:path";
import { expect, test } from "vitest";
import { Arena, fingerprint } from "../support/arena.ts";
import { attack } from "../support/attack.ts";
import { confined } from "../support/confined.ts";
import { compileVictim } from "../support/hostile.ts";

for (const profile of [":strict", ":read-only"]) {
  const common = { layer: "broker", control: "succeeds", options: { profile } } as const;

  attack({
    ...common,
    name: `${profile}: every path operation on a tree outside`,
    victim: "path_operations",
    scene: (arena) => {
      arena.put("workspace/own", "own\n");
      return { args: [arena.outside] };
    },
  });

  attack({
    ...common,
    name: `${profile}: a file outside under every spelling of its name`,
    victim: "path_spellings",
    scene: (arena) => {
      arena.put("workspace/deep/keep", "");
      return { args: [arena.outside] };
    },
  });

  attack({
    ...common,
    name: `${profile}: io_uring`,
    victim: "io_uring",
    scene: (arena) => ({ args: [join(arena.outside, "file")] }),
  });

  attack({
    ...common,
    name: `${profile}: a datagram socket of a pair that sends to a path`,
    victim: "high_bits",
    args: ["pair"],
    rule: /^network\.pair$/,
  });
}

test(":strict records the reads too", async () => {
  using arena = new Arena();
  const file = arena.put("workspace/file", "x\n");
  const run = await confined(arena, ["cat", "file"], { profile: ":strict" });
  expect(run.stdout, run.stderr).toBe("x\n");
  expect(run.report?.mediation).toBe("strict");
  expect(run.records.some(({ kind, op, path }) => kind === "intent" && op === "open" && path === file)).toBe(
    true,
  );
});

test(":read-only reads and runs the workspace, and changes nothing in it", async () => {
  using arena = new Arena();
  arena.put("workspace/file", "x\n");
  arena.put("workspace/script", "#!/bin/sh\ncat file\n", 0o755);
  const before = fingerprint(arena.workspace);
  const script =
    "./script; echo y > file; touch new; rm file; mv file other; chmod 600 file; ln file hard; mkdir d; exit 0";
  const run = await confined(arena, ["sh", "-c", script], { profile: ":read-only" });
  expect(run.stdout, run.stderr).toBe("x\n");
  expect(fingerprint(arena.workspace)).toBe(before);
  expect(run.report?.denials).toBeGreaterThanOrEqual(6);
});

test(":none does not see the workspace, and still runs the programs of the system", async () => {
  using arena = new Arena();
  arena.put("workspace/file", "x\n");
  const before = fingerprint(arena.workspace);
  const run = await confined(arena, ["sh", "-c", "echo works; cat file; ls; echo y > file; exit 0"], {
    profile: ":none",
  });
  expect(run.stdout, run.stderr).toBe("works\n");
  expect(fingerprint(arena.workspace)).toBe(before);
});

test(":none does not run a program from the workspace", async () => {
  using arena = new Arena();
  const program = compileVictim("memfd_exec");
  const run = await confined(arena, [program, "payload"], { profile: ":none" });
  expect(run.exitCode, run.stderr).toBe(126);
});
