import { object, path } from "./arguments.ts";
import { type Tool, ToolError } from "./tool.ts";

const MAX_FOUND = 200;
const MAX_ENTRIES = 20_000;
const MAX_FILE_BYTES = 1_048_576;
const MAX_ALL_BYTES = 67_108_864;
const MAX_LINE_CHARACTERS = 300;
const MAX_MS = 20_000;

type Found = { readonly path: string; readonly line?: number; readonly text?: string };

/** By name and by content. Links are not followed, and what is not to be read is left out and counted. */
export const search: Tool = {
  name: "search",
  description: `Finds files by name and by text, at most ${MAX_FOUND}. Plain text, not an expression; a name may hold * and ?.`,
  arguments: object({
    path: path("Where to look; default the workspace"),
    name: { type: "string", description: "Name of the file, such as *.ts", maxLength: 255 },
    text: { type: "string", description: "Text in the file, on one line", maxLength: 1_000 },
  }),
  async run(client, args, signal) {
    const name = args["name"] as string | undefined;
    const text = args["text"] as string | undefined;
    if (name === undefined && (text === undefined || text === ""))
      throw new ToolError('give "name" or "text"');
    const state = { found: [] as Found[], entries: 0, bytes: 0, skipped: 0, endsAt: Date.now() + MAX_MS };
    const isFull = (): boolean =>
      state.found.length >= MAX_FOUND ||
      state.entries >= MAX_ENTRIES ||
      state.bytes >= MAX_ALL_BYTES ||
      Date.now() >= state.endsAt;

    const look = async (directory: string): Promise<void> => {
      for (const entry of [...(await client.list(directory, { signal }))].sort()) {
        if (isFull()) return;
        state.entries++;
        const file = directory === "." ? entry : `${directory}/${entry}`;
        try {
          const { kind, sizeBytes } = await client.stat(file, "nofollow", { signal });
          if (kind === "directory") await look(file);
          else if (name !== undefined && !matches(name, entry)) continue;
          else if (text === undefined) state.found.push({ path: file });
          else if (kind === "file" && sizeBytes <= MAX_FILE_BYTES) await lookInside(file, text);
        } catch (error) {
          if (signal.aborted) throw error;
          state.skipped++;
        }
      }
    };
    const lookInside = async (file: string, wanted: string): Promise<void> => {
      const bytes = await client.readFile(file, { signal });
      state.bytes += bytes.length;
      if (bytes.includes(0)) return;
      let number = 0;
      for (const line of bytes.toString("utf8").split("\n")) {
        number++;
        if (!line.includes(wanted)) continue;
        state.found.push({ path: file, line: number, text: line.slice(0, MAX_LINE_CHARACTERS) });
        if (isFull()) return;
      }
    };
    await look(String(args["path"] ?? "."));
    const { found, skipped } = state;
    const lines = found.map((one) =>
      one.line === undefined ? one.path : `${one.path}:${one.line}: ${one.text}`,
    );
    return { text: lines.join("\n"), data: { found, skipped, truncated: isFull() } };
  },
};

/** `*` and `?` alone, without backtracking over more than one star. */
export function matches(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let index = 0;
  while (index < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = index;
    } else if (pattern[at] === "?" || pattern[at] === name[index]) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resume;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
