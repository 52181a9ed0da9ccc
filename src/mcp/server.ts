/** The process that speaks MCP, inside a run. What a model asks for is done by asking the broker, as any program of the run would. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { type Client, connect, denialJson, SallyportError } from "../client/client.ts";
import { checkArguments } from "./arguments.ts";
import { readCells, writeCells } from "./cells.ts";
import { exec } from "./exec.ts";
import { fetchTool } from "./fetch.ts";
import { FILE_TOOLS } from "./file_tools.ts";
import { submitPlan } from "./plan.ts";
import { search } from "./search.ts";
import { type Tool, ToolError } from "./tool.ts";

export const TOOLS: readonly Tool[] = [
  ...FILE_TOOLS,
  readCells,
  writeCells,
  search,
  exec,
  fetchTool,
  submitPlan,
];

/** Serves on stdin and stdout until they close. Rejects with GONE outside a run. */
export async function serveMcp(version: string): Promise<void> {
  const client = await connect();
  const server = new Server({ name: "sallyport", version }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: TOOLS.map(({ name, description, arguments: inputSchema }) => ({ name, description, inputSchema })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = TOOLS.find(({ name }) => name === params.name);
    if (tool === undefined) return refused("there is no such tool", { code: "INVALID" });
    return await call(tool, client, params.arguments ?? {}, signal);
  });
  const ended = new Promise<void>((resolve) => {
    server.onclose = resolve;
    process.stdin.once("end", resolve);
    process.stdin.once("error", () => resolve());
  });
  await server.connect(new StdioServerTransport());
  await ended;
  client.close();
}

async function call(tool: Tool, client: Client, args: unknown, signal: AbortSignal): Promise<CallToolResult> {
  try {
    const { text, data } = await tool.run(client, checkArguments(tool.arguments, args), signal);
    return { content: [{ type: "text", text }], structuredContent: data };
  } catch (error) {
    if (error instanceof ToolError) return refused(error.message, { code: "INVALID" });
    if (error instanceof SallyportError) {
      const { code, errno, message, denial, outcome } = error;
      return refused(
        message,
        denial === undefined
          ? { code, errno, outcome }
          : { code, errno, outcome, denial: denialJson(denial) },
      );
    }
    const { code, message } = error as NodeJS.ErrnoException;
    // Of a descriptor that the broker gave, or of a server that was asked; a bug of ours shows as it is.
    if (typeof code === "string" || (error as Error).name === "TimeoutError")
      return refused(message, { code: "SYSTEM", errno: code ?? "ETIMEDOUT" });
    throw error;
  }
}

function refused(text: string, failure: Record<string, unknown>): CallToolResult {
  return { isError: true, content: [{ type: "text", text }], structuredContent: failure };
}
