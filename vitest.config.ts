import { defineConfig } from "vitest/config";

const project = (name: string, options: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], pool: "forks" as const, ...options },
});

export default defineConfig({
  test: {
    projects: [
      project("unit"),
      project("integration", { testTimeout: 60_000, hookTimeout: 60_000 }),
      project("redteam", { testTimeout: 120_000, hookTimeout: 60_000 }),
      project("fuzz", { testTimeout: 600_000 }),
    ],
  },
});
