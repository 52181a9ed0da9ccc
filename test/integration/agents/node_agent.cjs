// An unmodified Node program that does the acts and prints the verdicts: what it asks of is Node's own fs. node_agent.cjs ACTS OUTSIDE
const fs = require("node:fs");

const [acts, outside] = process.argv.slice(2);
const ACTS = {
  write: ({ path, text }) => fs.writeFileSync(path, text),
  read: ({ path }) => fs.readFileSync(path),
  list: ({ path }) => fs.readdirSync(path),
  mkdir: ({ path }) => fs.mkdirSync(path),
  rename: ({ path, to }) => fs.renameSync(path, to),
  link: ({ path, to }) => fs.linkSync(path, to),
  symlink: ({ path, to }) => fs.symlinkSync(to, path),
  chmod: ({ path, mode }) => fs.chmodSync(path, mode),
  unlink: ({ path }) => fs.unlinkSync(path),
};

for (const act of JSON.parse(fs.readFileSync(acts, "utf8").replaceAll("${outside}", outside)).acts) {
  let said = { name: act.name, ok: true };
  try {
    ACTS[act.act](act);
  } catch ({ code: errno, denial }) {
    const code = denial === undefined ? "SYSTEM" : "DENIED";
    said = { name: act.name, ok: false, code, errno, rule: denial?.rule ?? "" };
  }
  console.log(JSON.stringify(said));
}
