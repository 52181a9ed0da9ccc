import { BUDGET_FIELDS } from "../../../src/policy/capability/budget.ts";
import { ACTIONS, type Action, type Budget } from "../../../src/policy/capability/capability.ts";
import type { ActionFields } from "../../../src/tokens/action_fields.ts";
import { PAYLOAD_FIELDS } from "../../../src/tokens/payload.ts";
import { REFUSALS } from "../../../src/tokens/refusal.ts";
import { type Blocks, code, table } from "./blocks.ts";
import { help } from "./record_blocks.ts";

const ACTION_MEANING: { readonly [action in Action]: string } = {
  read: "read files; their cells too",
  write: "make files and write to them, over what they hold too; append and create are parts of it",
  append: "add to files, by a commit that the broker compares; see below",
  create: "make names: directories, links, special files",
  delete: "delete files and directories",
  rename: "move, from and to what the pattern matches; see below",
  list: "list directories",
  stat: "look at sizes, times and owners; every action on paths has it",
  metadata: "change modes, owners, times, extended attributes",
  exec: "execute programs",
  connect: "connect to hosts, or to a Unix socket by its path",
  listen: "open a port on the loopback of the run: `localhost:PORT`",
};

const ENTRY_MEANING: { readonly [field in keyof Required<Omit<ActionFields, "action">>]: string } = {
  path: "an absolute pattern",
  host: "`HOST[:PORT]`, `*.DOMAIN[:PORT]`, an address or a block; without a port 80 and 443",
  cells: "of read and write: `/PATH/BOOK.xlsx#SHEET!A1:D40`",
  max_size: "of write and append: the most that the file may have, in bytes",
  mime: 'of read, write and append: types by content, "text/plain" or "image/*"; at most 32',
  window:
    '`{"days":["mon","tue"],"from":"09:00","to":"18:00"}` in UTC; over midnight where `to` is not after `from`, the day being that of `from`',
};

const BUDGET_MEANING: { readonly [field in keyof Required<Budget>]: string } = {
  maxUses: "operations",
  maxFiles: "files made or changed",
  maxReadBytes: "bytes read",
  maxWriteBytes: "bytes written",
  maxDeletes: "files and directories deleted",
};

/** Every block that is made of capabilities and tokens. */
export const TOKEN_BLOCKS: Blocks = {
  "payload-fields": () => meanings("field", PAYLOAD_FIELDS),
  "token-actions": () =>
    table(
      ["action", "lets"],
      ACTIONS.map((action) => [code(action), ACTION_MEANING[action]]),
    ),
  "action-fields": () => meanings("field", ENTRY_MEANING),
  "budget-fields": () =>
    table(
      ["field", "at most so many"],
      Object.entries(BUDGET_FIELDS).map(([field, name]) => [
        code(name),
        BUDGET_MEANING[field as keyof Budget],
      ]),
    ),
  "refusal-reasons": () => meanings("reason", REFUSALS),
  "help-token-mint": () => help("token", "mint"),
};

function meanings(head: string, entries: { readonly [name: string]: string }): string {
  return table(
    [head, "meaning"],
    Object.entries(entries).map(([name, meaning]) => [code(name), meaning]),
  );
}
