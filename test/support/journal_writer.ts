/** Appends until it is killed; writes each acknowledged index to stdout. Arguments: state folder, backend. */
import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openLogKey } from "../../src/audit/key.ts";
import { fill, openJournal } from "./audit_log.ts";

const [state = "", backend = "write"] = process.argv.slice(2);
const addon = "../../build/Release/sallyport.node";
const mapShared =
  backend === "mapped" ? createRequire(`${process.cwd()}/test/support/x.js`)(addon).mapShared : undefined;
const { journal } = openJournal(state, openLogKey(state), mapShared);
for (;;) {
  for (let i = 0; i < 20; i++) {
    fill(journal, journal.size + 1);
    writeSync(1, `${journal.size - 1}\n`);
  }
  if (journal.size % 500 < 20) await journal.flush();
  await nextTurn();
}
