import { defineConfig, type ViteUserConfig } from "vitest/config";

const project = (name: string, options: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], pool: "forks" as const, ...options },
});

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      project("unit", { testTimeout: 60_000 }),
      project("integration", { testTimeout: 60_000, hookTimeout: 60_000 }),
      project("redteam", { testTimeout: 120_000, hookTimeout: 60_000 }),
      project("fuzz", { testTimeout: 600_000 }),
    ],
  },
});

export default config;
