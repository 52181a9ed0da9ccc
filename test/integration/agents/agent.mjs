// The agent of the TypeScript client: does the acts of acts.json and prints the verdicts. agent.mjs CLIENT ACTS OUTSIDE
import { readFileSync } from "node:fs";

const [client, acts, outside] = process.argv.slice(2);
const { connect } = await import(client);
const broker = await connect();

const ACTS = {
  write: ({ path, text }) => broker.writeFile(path, text),
  read: async ({ path, text }) => {
    const found = String(await broker.readFile(path));
    if (found !== text) throw new Error(found);
  },
  transaction: ({ path, text }) => broker.writeFile(path, text, { policy: "transactional" }),
  stat: ({ path }) => broker.stat(path),
  list: ({ path }) => broker.list(path),
  mkdir: ({ path }) => broker.mkdir(path),
  rename: ({ path, to }) => broker.rename(path, to),
  link: ({ path, to }) => broker.link(path, to),
  symlink: ({ path, to }) => broker.symlink(to, path),
  chmod: ({ path, mode }) => broker.chmod(path, mode),
  truncate: ({ path, size }) => broker.truncate(path, size),
  "read-cell": async ({ path, text }) => {
    const a1 = { fromColumn: 0, fromRow: 0, toColumn: 0, toRow: 0 };
    const [[found]] = await broker.readCells(path, "Sheet1", a1);
    if (found !== text) throw new Error(found);
  },
  "write-cell": ({ path, text }) =>
    broker.writeCells(path, "Sheet1", { fromColumn: 0, fromRow: 0 }, [[text]]),
  unlink: ({ path }) => broker.unlink(path),
};

for (const act of JSON.parse(readFileSync(acts, "utf8").replaceAll("${outside}", outside)).acts) {
  let said = { name: act.name, ok: true };
  try {
    await ACTS[act.act](act);
  } catch (error) {
    if (error.name !== "SallyportError") throw error;
    const { code, errno, denial } = error;
    said = { name: act.name, ok: false, code, errno, rule: denial?.rule ?? "" };
  }
  console.log(JSON.stringify(said));
}
broker.close();
