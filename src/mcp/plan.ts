import { createHash } from "node:crypto";
import { SallyportError } from "../client/client.ts";
import { object } from "./arguments.ts";
import type { Tool } from "./tool.ts";

const PLACE = ".sallyport-plans";
const ACTIONS = ["read", "write", "create", "delete", "rename", "list", "execute", "connect", "listen"];

/** Plans are kept by the broker as any file is: the name of the file is the hash of the plan, and the log names the file. */
export const submitPlan: Tool = {
  name: "submit_plan",
  description:
    "Submits a plan: what is to be done, to what, and why. It is checked and kept. Nobody approves it, and it grants nothing: each act is still decided by itself.",
  arguments: object(
    {
      title: { type: "string", description: "What is to be achieved", maxLength: 200 },
      rationale: { type: "string", description: "Why", maxLength: 10_000 },
      actions: {
        type: "array",
        description: "What is to be done, in order",
        minItems: 1,
        maxItems: 200,
        items: object(
          {
            action: { type: "string", description: "What", maxLength: 20, enum: ACTIONS },
            target: {
              type: "string",
              description: "A path, a program or a host with its port",
              maxLength: 4_096,
            },
            rationale: { type: "string", description: "Why", maxLength: 2_000 },
          },
          ["action", "target"],
        ),
      },
      artifacts: {
        type: "array",
        description: "What will be there afterwards",
        maxItems: 200,
        items: { type: "string", description: "A path", maxLength: 4_096 },
      },
    },
    ["title", "actions"],
  ),
  async run(client, args, signal) {
    const text = `${JSON.stringify({ version: 1, run: client.run, plan: sorted(args) }, null, 2)}\n`;
    const hash = createHash("sha256").update(text).digest("hex");
    const path = `${PLACE}/${hash}.json`;
    await client.mkdir(PLACE, 0o777, { signal }).catch(unlessThere);
    try {
      await using file = await client.open(path, "write", { create: "exclusive", signal });
      await file.write(text);
    } catch (error) {
      unlessThere(error);
    }
    return {
      text: `Kept as ${path}. It is not approved, and nobody has been asked: this version keeps plans and does nothing with them. Every act is decided by the profile of the run.`,
      data: { status: "kept", approved: false, sha256: hash, path },
    };
  },
};

function unlessThere(error: unknown): void {
  if (!(error instanceof SallyportError) || error.errno !== "EEXIST") throw error;
}

/** One text for one plan, in whatever order its fields came. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
