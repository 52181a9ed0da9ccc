import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Workload } from "./workload.ts";

const NETWORK = {
  "network.unix": "the C library asks for a name service that need not run",
  "network.socket": "a look whether there is a network",
};
const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const GYP = join(ROOT, "node_modules/node-gyp/bin/node-gyp.js");

const has = (program: string) => (): string =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0 ? "" : `needs ${program}`;
const imports = (module: string) => (): string =>
  spawnSync("/usr/bin/python3", ["-c", `import ${module}`]).status === 0
    ? ""
    : `needs the Python module ${module} of the system`;
/** Tools of a person's home are granted by name, as a person would. */
const ofHome = (...names: string[]): string[] =>
  names.map((name) => join(homedir(), name)).filter((path) => existsSync(path));

const PACKAGE = (name: string, more: string): string =>
  `mkdir -p in/${name}; echo '{"name":"${name}","version":"1.0.0"${more}}' > in/${name}/package.json; for i in $(seq 60); do echo "module.exports = $i;" > in/${name}/m$i.js; done; (cd in && npm pack --silent ./${name} > /dev/null)`;

const C_FILES =
  "mkdir -p in; for i in $(seq 24); do { echo '#include <stdio.h>'; echo '#include <stdlib.h>'; for j in $(seq 40); do echo \"int f${i}_$j(int x) { return printf(\\\"%d\\\", x * $j); }\"; done; } > in/f$i.c; done; echo 'int main(void) { return 0; }' > in/main.c";

export const LANGUAGES: readonly Workload[] = [
  {
    name: "npm: ci from local packages, with a postinstall",
    kind: "writes",
    obstacle: has("npm"),
    denials: { ...NETWORK, "protected.xattr": "sed -i carries the access list over, and there is none" },
    prepare: `set -e; ${PACKAGE("one", "")}; ${PACKAGE("two", ',"scripts":{"postinstall":"node -e \\"fs.writeFileSync(String.fromCharCode(109,97,100,101),String(process.pid>0))\\""}')}; mkdir in/app; cd in/app; echo '{"name":"app","version":"1.0.0","dependencies":{"one":"file:../one-1.0.0.tgz","two":"file:../two-1.0.0.tgz"}}' > package.json; npm install --offline --no-audit --no-fund --ignore-scripts --silent; rm -r node_modules`,
    script:
      "set -e; cp -r ../in/app app; sed -i 's,\\.\\./\\(one\\|two\\),../../in/\\1,g' app/package.json app/package-lock.json; cd app; npm ci --offline --no-audit --no-fund --silent; cat node_modules/two/made; echo; ls node_modules/one | wc -l",
  },
  {
    name: "node-gyp: an addon of one file",
    kind: "computes",
    obstacle: () =>
      existsSync("/usr/include/node/node_api.h") ? "" : "needs Node's headers in /usr/include",
    reads: [ROOT],
    denials: { "default-deny": "Python keeps its compiled files beside node-gyp, which is only readable" },
    prepare:
      'mkdir in; echo \'{"targets":[{"target_name":"a","sources":["a.c"]}]}\' > in/binding.gyp; echo \'{"name":"a","version":"1.0.0"}\' > in/package.json; printf \'#include <node_api.h>\\nNAPI_MODULE_INIT() { napi_value v; napi_create_int32(env, 7, &v); return v; }\\n\' > in/a.c',
    script: `set -e; cp ../in/* .; node ${GYP} rebuild --nodedir=/usr --silent > /dev/null; node -p 'require("./build/Release/a.node")'`,
  },
  {
    name: "pip: a wheel from a local directory into a venv",
    kind: "writes",
    obstacle: imports("venv, ensurepip"),
    denials: {
      "network.socket": "a look whether there is a network",
      "default-deny": "it looks for its configuration in /etc",
      "secrets.home": "it looks for its configuration in the home, where credentials may be",
    },
    prepare: `mkdir in; cd in; /usr/bin/python3 -c 'import zipfile
w = zipfile.ZipFile("demo-1.0-py3-none-any.whl", "w")
w.writestr("demo/__init__.py", "value = 42\\n")
w.writestr("demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: demo\\nVersion: 1.0\\n")
w.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
w.writestr("demo-1.0.dist-info/RECORD", "demo/__init__.py,,\\ndemo-1.0.dist-info/METADATA,,\\ndemo-1.0.dist-info/WHEEL,,\\ndemo-1.0.dist-info/RECORD,,\\n")'`,
    script:
      "set -e; /usr/bin/python3 -m venv v; v/bin/pip install -q --disable-pip-version-check --no-index --find-links ../in demo; v/bin/python -c 'import demo; print(demo.value)'",
  },
  {
    name: "python: a pool of processes",
    kind: "computes",
    obstacle: imports("multiprocessing"),
    script:
      "/usr/bin/python3 -c 'import multiprocessing as m, functools, operator; p = m.Pool(4); print(sum(p.map(functools.partial(operator.mul, 3), range(20000))))'",
  },
  {
    name: "node: cluster",
    kind: "computes",
    script: `cat > c.cjs <<'X'
const c = require("cluster");
let sum = 0;
const start = () => c.fork().on("message", (m) => { sum += m; }).on("exit", () => { if (Object.keys(c.workers).length === 0) console.log(sum); });
if (c.isPrimary) for (let i = 0; i < 3; i++) start();
else process.send(c.worker.id, () => process.exit());
X
node c.cjs`,
  },
  {
    name: "node: worker_threads",
    kind: "computes",
    script: `node -e 'const { Worker } = require("worker_threads"); let n = 0, left = 4; for (let i = 0; i < 4; i++) new Worker("let s = 0; for (let i = 0; i < 2e7; i++) s += i % 7; require(\\"worker_threads\\").parentPort.postMessage(s)", { eval: true }).on("message", (m) => { n += m; }).on("exit", () => { if (--left === 0) console.log(n); })'`,
  },
  {
    name: "make -j2: 25 C files",
    kind: "computes",
    obstacle: has("make"),
    prepare: `${C_FILES}; printf 'all: $(patsubst ../in/%%.c,%%.o,$(wildcard ../in/*.c))\\n\\tgcc -o all *.o\\n%%.o: ../in/%%.c\\n\\tgcc -O1 -c -o $@ $<\\n' > in/Makefile`,
    script: "make -s -j2 -f ../in/Makefile && ./all && ls *.o | wc -l",
  },
  {
    name: "cmake: configure and build",
    kind: "computes",
    obstacle: has("cmake"),
    denials: { "default-deny": "it makes the directories above its own, which are there" },
    prepare: `${C_FILES}; printf 'cmake_minimum_required(VERSION 3.10)\\nproject(p C)\\nfile(GLOB s *.c)\\nadd_executable(all_of ${"$"}{s})\\n' > in/CMakeLists.txt`,
    script: "cmake -S ../in -B . > /dev/null && cmake --build . -j2 > /dev/null && ./all_of; echo $?",
  },
  {
    name: "cargo: a crate without dependencies",
    kind: "computes",
    obstacle: has("cargo"),
    reads: ofHome(".cargo", ".rustup"),
    denials: { "default-deny": "it locks its cache in the home, and goes on without" },
    prepare:
      'mkdir -p in/src; printf \'[package]\\nname = "p"\\nversion = "0.1.0"\\nedition = "2021"\\n\' > in/Cargo.toml; printf \'fn main() { println!("{}", (1..=10).product::<u64>()); }\\n\' > in/src/main.rs',
    script: "cp -r ../in/* . && cargo run -q --offline",
  },
  {
    name: "go: a program of one file",
    kind: "computes",
    obstacle: has("go"),
    prepare:
      "mkdir in; printf 'module p\\n' > in/go.mod; printf 'package main\\nfunc main() { println(7) }\\n' > in/main.go",
    script: 'cp ../in/* . && GOCACHE="$PWD/.cache" GOFLAGS=-mod=mod go run . 2>&1',
  },
];
