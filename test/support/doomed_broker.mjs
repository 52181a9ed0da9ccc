// Started by launch.test.ts and killed by it: launches the shell script of argv[3] and prints nothing itself.
import { openSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const build = fileURLToPath(new URL("../../build/Release/", import.meta.url));
const native = createRequire(import.meta.url)(`${build}sallyport.node`);
const launcher = native.startLauncher(
  `${build}sallyport-launcher`,
  () => {},
  () => {},
);
const nothing = openSync("/dev/null", "r+");
const none = new Uint8Array();
launcher.launch(
  {
    path: "/bin/sh",
    argv: ["sh", "-c", process.argv[2]],
    env: ["PATH=/usr/bin:/bin"],
    cwd: "/",
    stdio: [nothing, nothing, nothing],
    channelFd: -1,
    terminalIndex: -1,
    rulesetFd: -1,
    stubFilter: none,
    filter: none,
    listener: "none",
    user: null,
    keepCapabilities: [],
    umask: 0o22,
    rlimits: [],
    cpus: [],
  },
  () => {},
);
