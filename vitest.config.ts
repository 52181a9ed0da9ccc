import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const project = (name: string, options: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], pool: "forks" as const, ...options },
});

const config: ViteUserConfig = defineConfig({
  test: {
    // Most of a test is waiting for a run to start; one worker less than there are cores is one on a small machine.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      project("unit", { testTimeout: 60_000 }),
      project("integration", { testTimeout: 60_000, hookTimeout: 60_000 }),
      project("redteam", { testTimeout: 120_000, hookTimeout: 60_000 }),
      project("workloads", { testTimeout: 600_000, hookTimeout: 120_000, fileParallelism: false }),
      project("fuzz", { testTimeout: 600_000 }),
    ],
  },
});

export default config;
