// Builds the addon and the launcher with node-gyp against the headers that ship beside the running Node, so that an
// install needs no download. `--debug` builds with assertions.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const prefix = dirname(dirname(process.execPath));
if (!existsSync(join(prefix, "include", "node", "node_api.h"))) {
  console.error(
    `Cannot build the addon: "${prefix}/include/node" has no node_api.h; install the headers of ${process.version}`,
  );
  process.exit(1);
}
const nodeGyp = createRequire(import.meta.url).resolve("node-gyp/bin/node-gyp.js");
const flags = process.argv.includes("--debug") ? ["--debug"] : [];
const built = spawnSync(process.execPath, [nodeGyp, "rebuild", "--silent", `--nodedir=${prefix}`, ...flags], {
  stdio: "inherit",
});
process.exit(built.status ?? 1);
