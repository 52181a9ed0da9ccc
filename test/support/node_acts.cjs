// What an unmodified Node program does with files, one line an act: "name: ok value" or "name: the error as Node prints it".
// node node_acts.cjs [OUTSIDE]. All acts are in the working directory; with OUTSIDE some try that directory too.
const fs = require("node:fs");
const { once } = require("node:events");
const { Worker, isMainThread, workerData } = require("node:worker_threads");

const lines = [];
const told = (error) =>
  [error.code, error.errno, error.syscall, error.path, error.dest, error.message].join(" | ");
const say = (name, how) => lines.push(`${name}: ${how}`);
const act = (name, way) => {
  try {
    say(name, `ok ${way() ?? ""}`);
  } catch (error) {
    say(name, told(error));
  }
};
const later = async (name, way) => {
  try {
    say(name, `ok ${(await way()) ?? ""}`);
  } catch (error) {
    say(name, told(error));
  }
};
const called = (name, ...args) =>
  later(
    `callback ${name}`,
    () =>
      new Promise((resolve, reject) =>
        fs[name](...args, (error, value) => (error ? reject(error) : resolve(value))),
      ),
  );
const octal = (path) => (fs.statSync(path).mode & 0o7777).toString(8);

function synchronous() {
  act("writeFileSync of text", () => fs.writeFileSync("a.txt", "hello"));
  act("writeFileSync of bytes", () => fs.writeFileSync("b.bin", Buffer.alloc(3)));
  act("writeFileSync wx", () => fs.writeFileSync("a.txt", "x", { flag: "wx" }));
  act("appendFileSync", () => fs.appendFileSync(`${process.cwd()}/./a.txt`, " world"));
  act("readFileSync", () => fs.readFileSync("a.txt", "utf8"));
  act("a path of bytes", () => fs.writeFileSync(Buffer.from("bytes-é"), "x"));
  act("a path as URL", () => fs.writeFileSync(new URL(`file://${process.cwd()}/url.txt`), "x"));
  act("mkdirSync recursive", () => fs.mkdirSync("x/y/z", { recursive: true }));
  act("mkdirSync recursive again", () => fs.mkdirSync("x/y/z", { recursive: true }));
  act("mkdirSync recursive below a file", () => fs.mkdirSync("a.txt/y/z", { recursive: true }));
  act("mkdirSync of what is there", () => fs.mkdirSync("x"));
  act("mkdirSync with a mode", () => fs.mkdirSync("private", 0o700));
  act("its mode", () => octal("private"));
  act("copyFileSync", () => fs.copyFileSync("a.txt", "x/y/c.txt"));
  act("copyFileSync onto itself, exclusive", () =>
    fs.copyFileSync("a.txt", "x/y/c.txt", fs.constants.COPYFILE_EXCL),
  );
  act("cpSync", () => fs.cpSync("x", "copy", { recursive: true }));
  act("renameSync", () => fs.renameSync("x/y/c.txt", "x/d.txt"));
  act("renameSync of nothing", () => fs.renameSync("nothing", "x/e.txt"));
  act("renameSync of a file onto a directory", () => fs.renameSync("a.txt", "x"));
  act("chmodSync", () => fs.chmodSync("x/d.txt", 0o640));
  act("its mode", () => octal("x/d.txt"));
  act("chownSync to what it is", () => fs.chownSync("x/d.txt", process.getuid(), process.getgid()));
  act("utimesSync", () => fs.utimesSync("x/d.txt", 1.5, new Date(2250)));
  act("its times", () => [fs.statSync("x/d.txt").atimeMs, fs.statSync("x/d.txt").mtimeMs].join());
  act("symlinkSync", () => fs.symlinkSync("d.txt", "x/l"));
  act("symlinkSync of what is there", () => fs.symlinkSync("d.txt", "x/l"));
  act("lutimesSync", () => fs.lutimesSync("x/l", 3, 4));
  act("writing through a link", () => fs.writeFileSync("x/l", "through"));
  act("what was written", () => fs.readFileSync("x/d.txt", "utf8"));
  act("up behind a link", () => {
    fs.symlinkSync("x/y", "deep");
    fs.writeFileSync("deep/../up.txt", "u");
    return fs.existsSync("x/up.txt");
  });
  act("linkSync", () => fs.linkSync("a.txt", "x/hard"));
  act("mkdtempSync", () => fs.statSync(fs.mkdtempSync("x/tmp-")).isDirectory());
  act("mkdtempSync in nothing", () => fs.mkdtempSync("nothing/tmp-").length);
  act("truncateSync", () => fs.truncateSync("b.bin", 1));
  act("writing in nothing", () => fs.writeFileSync("nothing/a", "x"));
  act("writing below a file", () => fs.writeFileSync("a.txt/b", "x"));
  act("writing a directory", () => fs.writeFileSync("x", "x"));
  act("unlinkSync of nothing", () => fs.unlinkSync("nothing"));
  act("unlinkSync of a directory", () => fs.unlinkSync("x"));
  act("rmdirSync of what is not empty", () => fs.rmdirSync("x"));
  act("rmdirSync of a file", () => fs.rmdirSync("a.txt"));
  act("by descriptor", () => {
    const fd = fs.openSync("a.txt", "r+");
    fs.fchmodSync(fd, 0o604);
    fs.futimesSync(fd, 5, 6);
    fs.fchownSync(fd, process.getuid(), process.getgid());
    fs.ftruncateSync(fd, 5);
    fs.writeSync(fd, "J", 0);
    fs.closeSync(fd);
    return [octal("a.txt"), fs.statSync("a.txt").size, fs.readFileSync("a.txt", "utf8")].join();
  });
  act("readdirSync", () =>
    fs
      .readdirSync("x", { withFileTypes: true })
      .map((entry) => `${entry.name.replace(/-.*/, "")} ${entry.isDirectory()} ${entry.isSymbolicLink()}`)
      .join(),
  );
  act("rmSync of nothing", () => fs.rmSync("nothing"));
  act("rmSync of nothing, forced", () => fs.rmSync("nothing", { force: true }));
  act("rmSync of a tree", () => fs.rmSync("x", { recursive: true }));
  act("is gone", () => fs.existsSync("x"));
}

async function asynchronous() {
  const { promises } = fs;
  await called("writeFile", "cb.txt", "callback");
  await called("mkdir", "cb/c", { recursive: true });
  await called("mkdtemp", "cb/", "buffer").then(() => lines.pop());
  await called("rename", "nothing", "b");
  await called("copyFile", "cb.txt", "cb/copy.txt");
  await called("open", "nothing/a", "w");
  await called("rm", "cb", { recursive: true });
  await later("promises writeFile", () => promises.writeFile("p.txt", "promise"));
  await later("promises open in nothing", () => promises.open("nothing/a", "w"));
  await later("FileHandle", async () => {
    const handle = await promises.open("h.txt", "w+", 0o600);
    await handle.appendFile("handle");
    await handle.chmod(0o640);
    await handle.utimes(7, 8);
    await handle.truncate(4);
    const { size, mode } = await handle.stat();
    await handle.close();
    return `${size} ${(mode & 0o777).toString(8)} ${await promises.readFile("h.txt", "utf8")}`;
  });
  await later("promises cp", async () => {
    await promises.mkdir("from/deep", { recursive: true });
    await promises.writeFile("from/deep/f", "f", { mode: 0o755 });
    await promises.cp("from", "to", { recursive: true });
    return `${await promises.readFile("to/deep/f", "utf8")} ${octal("to/deep/f")}`;
  });
  await later("promises rm", () => promises.rm("from", { recursive: true }));
  await later("streams", async () => {
    const out = fs.createWriteStream("s.txt");
    out.write("one ");
    out.end("two");
    await once(out, "close");
    const more = fs.createWriteStream("s.txt", { flags: "a" });
    more.end(" three");
    await once(more, "close");
    let text = "";
    for await (const part of fs.createReadStream("s.txt", { start: 4 })) text += part;
    return text;
  });
  await later("a stream into nothing", async () => {
    await once(fs.createWriteStream("nothing/s"), "close");
  });
  await later("watch", async () => {
    const events = promises.watch(".", { signal: AbortSignal.timeout(5000) });
    setTimeout(() => fs.writeFileSync("seen.txt", "x"), 50);
    for await (const { filename } of events) return filename;
  });
  await later("watch of nothing", async () => {
    for await (const _ of promises.watch("nothing")) return;
  });
}

async function outside(directory) {
  const { promises } = fs;
  act("outside write", () => fs.writeFileSync(`${directory}/new`, "x"));
  act("outside unlink", () => fs.unlinkSync(`${directory}/victim`));
  act("outside mkdir", () => fs.mkdirSync(`${directory}/a/b`, { recursive: true }));
  act("outside rename", () => fs.renameSync(`${directory}/file`, "stolen"));
  act("outside link", () => fs.linkSync(`${directory}/file`, "stolen"));
  act("outside copy", () => fs.copyFileSync("a.txt", `${directory}/file`));
  act("outside chmod", () => fs.chmodSync(`${directory}/file`, 0o666));
  act("outside through a link", () => {
    fs.symlinkSync(directory, "way-out");
    fs.writeFileSync("way-out/new", "x");
  });
  act("up and out", () => fs.writeFileSync(`../${directory.split("/").at(-1)}/new`, "x"));
  await called("writeFile", `${directory}/new`, "x");
  await later("outside promises", () => promises.writeFile(`${directory}/new`, "x"));
  await later("the denial", () =>
    promises.writeFile(`${directory}/new`, "x").catch(({ denial }) => JSON.stringify(denial)),
  );
}

async function main() {
  synchronous();
  await asynchronous();
  if (process.argv[2] !== undefined) await outside(process.argv[2]);
  const worker = new Worker(__filename, { workerData: "worker" });
  const [from] = await once(worker, "message");
  lines.push(...from);
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (isMainThread) void main();
else {
  act(`${workerData} sync`, () => fs.writeFileSync("worker.txt", "w"));
  void later(`${workerData} later`, () => fs.promises.appendFile("worker.txt", "w")).then(() =>
    require("node:worker_threads").parentPort.postMessage(lines),
  );
}
