import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { attack } from "../support/attack.ts";
import { compileVictim } from "../support/hostile.ts";

attack({
  name: "a program that never was a file",
  victim: "memfd_exec",
  layer: "broker",
  rule: /^memory\.executable-file$/,
  control: "succeeds",
});

attack({
  name: "a program outside the granted trees, by itself and through the dynamic linker",
  victim: "ldso_exec",
  scene: (arena) => {
    // Answers "payload" with 42, as the victim expects.
    const program = join(arena.outside, "program");
    copyFileSync(compileVictim("memfd_exec"), program);
    return { args: [program] };
  },
  layer: "landlock",
  control: "succeeds",
});
