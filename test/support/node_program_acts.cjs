// What Node's own tests of child_process try, printed as a program sees it; run in a sandbox and outside of one. node_program_acts.cjs [forbidden program]
const { spawn, exec, execFile, fork, spawnSync, execSync, execFileSync } = require("node:child_process");
const { once } = require("node:events");
const { promisify } = require("node:util");
const fs = require("node:fs");
const { join } = require("node:path");

const say = (name, ...what) => console.log(name, ...what.map((one) => JSON.stringify(one)));
const facts = ({ code, errno, syscall, path, spawnargs, message, killed, signal, cmd }) => ({
  code,
  errno,
  syscall,
  path,
  spawnargs,
  message,
  killed,
  signal,
  cmd,
});

async function ended(child) {
  const out = [[], []];
  child.stdout?.on("data", (chunk) => out[0].push(chunk));
  child.stderr?.on("data", (chunk) => out[1].push(chunk));
  const order = [];
  child.on("exit", () => order.push("exit"));
  child.on("spawn", () => order.push("spawn"));
  const [code, signal] = await once(child, "close");
  return { code, signal, out: out.map((one) => Buffer.concat(one).toString()), order };
}

async function main() {
  say("spawn", await ended(spawn("echo", ["a b", "c"])));
  say("exit code", await ended(spawn("sh", ["-c", "echo out; echo err >&2; exit 7"])));
  const cat = spawn("cat");
  const said = ended(cat);
  cat.stdin.write("one ");
  cat.stdin.end("two");
  say("through stdin", await said);
  say("pid", typeof cat.pid, cat.exitCode, cat.signalCode, cat.kill());
  const big = spawn("head", ["-c", "3000000", "/dev/zero"]);
  let size = 0;
  big.stdout.on("data", (chunk) => {
    size += chunk.length;
  });
  await once(big, "close");
  say("much output", size);
  say("argv0", await ended(spawn("/bin/sh", ["-c", "echo $0"], { argv0: "other" })));
  say(
    "env",
    await ended(spawn("sh", ["-c", "echo $ONE-$HOME"], { env: { ONE: "1", PATH: process.env.PATH } })),
  );
  fs.mkdirSync("inner", { recursive: true });
  say("cwd", (await ended(spawn("pwd", { cwd: "inner" }))).out[0].trim().endsWith("/inner"));
  say("shell", await ended(spawn("echo $((1+2)) | cat", { shell: true })));
  say(
    "stdio ignore",
    await ended(spawn("sh", ["-c", "cat; echo x"], { stdio: ["ignore", "pipe", "ignore"] })),
  );
  await once(spawn("echo", ["inherited"], { stdio: "inherit" }), "close");
  const file = fs.openSync("output", "w");
  await once(spawn("echo", ["into a file"], { stdio: ["ignore", file, file] }), "close");
  say("stdio file", fs.readFileSync("output", "utf8"));
  const more = spawn("sh", ["-c", "echo three >&3"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const third = [];
  more.stdio[3].on("data", (chunk) => third.push(chunk));
  await once(more, "close");
  say("descriptor 3", Buffer.concat(third).toString());

  const forever = [process.execPath, [__filename, "forever"]];
  for (const signal of ["SIGTERM", "SIGKILL", 2]) {
    const child = spawn(...forever);
    const end = ended(child);
    await once(child.stdout, "data");
    say("kill", signal, child.kill(signal), child.killed, await end);
  }
  const caught = spawn(...forever);
  const caughtEnd = ended(caught);
  await once(caught.stdout, "data");
  say("a caught signal", process.kill(caught.pid, "SIGUSR2"), (await caughtEnd).code);
  try {
    process.kill(caught.pid, 0);
  } catch (error) {
    say("gone", error.code, error.syscall);
  }
  const leader = spawn(process.execPath, [__filename, "forever"], { detached: true });
  const leaderEnd = ended(leader);
  await once(leader.stdout, "data");
  say("a group", process.kill(-leader.pid, "SIGKILL"), (await leaderEnd).signal);

  const abort = new AbortController();
  const aborted = spawn(...forever, { signal: abort.signal });
  aborted.stdout.once("data", () => abort.abort());
  const [reason] = await once(aborted, "error");
  say("abort", reason.name, reason.code, (await once(aborted, "close")).join());
  const late = spawn("sleep", ["30"], { timeout: 100, killSignal: "SIGINT" });
  say("timeout", (await once(late, "close")).join());
  const loose = spawn("sleep", ["0.2"], { stdio: "ignore" });
  loose.unref();
  loose.ref();
  await once(loose, "exit");

  fs.writeFileSync("plain", "no program");
  fs.writeFileSync("script", "#!/bin/sh\necho script $1 ${0##*/}", { mode: 0o755 });
  for (const [name, program, options] of [
    ["ENOENT", "no-such-program", {}],
    ["ENOENT of a path", "./no/such", {}],
    ["EACCES", "./plain", {}],
    ["a directory", "./inner", {}],
    ["no cwd", "echo", { cwd: "/no/such/directory" }],
  ]) {
    const child = spawn(program, ["x"], options);
    const [error] = await once(child, "error");
    say(name, facts(error), child.pid);
    say(`${name}, sync`, facts(spawnSync(program, ["x"], options).error));
  }
  say("bad argument", errorOf(() => spawn("echo", ["a\0b"])).code);
  for (const [name, argv] of [
    ["exec", ["echo out; echo err >&2; exit 3"]],
    ["exec fails", ["no-such-program-here 2>&1"]],
  ]) {
    const told = await promisify(exec)(...argv).catch((error) => ({
      ...facts(error),
      code: error.code,
      out: error.stdout,
      err: error.stderr,
    }));
    say(name, told);
  }
  say("execFile", await promisify(execFile)("printf", ["%s", "a"]));
  say("execFile ENOENT", facts(await promisify(execFile)("no-such-program").catch((error) => error)));
  say(
    "maxBuffer",
    (
      await promisify(execFile)("head", ["-c", "5000", "/dev/zero"], { maxBuffer: 100 }).catch(
        (error) => error,
      )
    ).code,
  );
  say(
    "exec timeout",
    facts(await promisify(exec)("sleep 30", { timeout: 50 }).catch((error) => error)).signal,
  );

  const without = ({ pid, output, stdout, stderr, error, ...rest }) => ({
    ...rest,
    pid: typeof pid,
    output: output?.map(String),
    stdout: String(stdout),
    stderr: String(stderr),
    ...(error ? { error: facts(error) } : {}),
  });
  say("spawnSync", without(spawnSync("sh", ["-c", "cat; echo err >&2; exit 5"], { input: "input" })));
  say("spawnSync signal", without(spawnSync("sh", ["-c", "kill -KILL $$"])));
  say("spawnSync timeout", without(spawnSync("sleep", ["30"], { timeout: 60, killSignal: "SIGKILL" })));
  say(
    "spawnSync maxBuffer",
    without(spawnSync("head", ["-c", "100000", "/dev/zero"], { maxBuffer: 10 })).error.code,
  );
  const large = "x".repeat(2_000_000);
  say("spawnSync much", spawnSync("cat", { input: large, maxBuffer: Infinity }).stdout.toString() === large);
  say("spawnSync not read", spawnSync("true", { input: large }).status);
  spawnSync("echo", ["inherited, sync"], { stdio: "inherit" });
  say("execSync", execSync("echo $((2+3)); exit 0", { encoding: "utf8" }));
  say("execFileSync", execFileSync(join(process.cwd(), "script"), ["x"], { encoding: "utf8" }));
  const failed = errorOf(() => execSync("echo told; exit 4", { stdio: "pipe" }));
  say("execSync fails", failed.status, failed.message, String(failed.stdout));
  say("background", spawnSync("sh", ["-c", "(sleep 0.2; echo late) & echo soon"]).stdout.toString());

  const child = fork(__filename, ["child", "x"]);
  child.send("hello");
  say("fork", (await once(child, "message"))[0]);
  child.send("leave");
  await once(child, "message");
  say("fork ends", (await once(child, "exit")).join());
  const many = await Promise.all(
    Array.from({ length: 24 }, (_, i) => ended(spawn("sh", ["-c", `sleep 0.2; echo ${i}`]))),
  );
  say("many", many.map(({ out }) => out[0].trim()).join());
  const forbidden = process.argv[2];
  if (forbidden === undefined) return;
  const told = ({ denial, ...rest }) => ({
    ...facts(rest),
    code: rest.code,
    rule: denial?.rule,
    steps: denial?.nextSteps?.length > 0,
  });
  say("forbidden spawn", told((await once(spawn(forbidden, ["x"]), "error"))[0]));
  say("forbidden fork", told((await once(fork("x", { execPath: forbidden }), "error"))[0]));
  say("forbidden execFile", told(await promisify(execFile)(forbidden).catch((error) => error)));
  say("forbidden spawnSync", told(spawnSync(forbidden).error));
  say("forbidden execFileSync", told(errorOf(() => execFileSync(forbidden, { stdio: "pipe" }))));
  say("forbidden detached", told((await once(spawn(forbidden, [], { detached: true }), "error"))[0]));
  // The message and the way of an error that nobody listens to.
  process.once("uncaughtException", (error) => say("uncaught", error.code, error.denial?.rule));
  spawn(forbidden);
}

function errorOf(act) {
  try {
    act();
  } catch (error) {
    return error;
  }
}

if (process.argv[2] === "child") {
  process.on("message", (message) => {
    process.send({ got: message, argv: process.argv.slice(3) });
    if (message === "leave") process.disconnect();
  });
} else if (process.argv[2] === "forever") {
  process.on("SIGUSR2", () => process.stdout.write("usr2\n", () => process.exit(9)));
  process.stdout.write("up\n");
  setInterval(() => {}, 1000);
} else {
  void main();
}
