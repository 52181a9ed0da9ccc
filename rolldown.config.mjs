import { defineConfig } from "rolldown";

/** What is loaded late, or is no JavaScript, stays where it is; "#…" is found through package.json. */
const APART = /^(?:#|@cedar-policy\/|@modelcontextprotocol\/|@open-policy-agent\/|ffi-rs$|yaml$|zod)/;

/** The command in a few files: finding three hundred takes longer than a whole run. Libraries are published as they are compiled. */
export default defineConfig({
  input: { sallyport: "dist/cli/main.js", worker: "dist/files/workbook/worker.js" },
  platform: "node",
  external: APART,
  output: { dir: "dist/command", format: "esm", chunkFileNames: "[name]-[hash].js", cleanDir: true },
});
