import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { DenialJson } from "../../src/protocol/denial_json.ts";
import type { Arena } from "./arena.ts";
import { type LogRecord, recordsOf, SALLYPORT } from "./confined.ts";

type Answer = {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>> & { readonly denial?: DenialJson };
};

/** `sallyport mcp` as an agent runtime starts it, and the official client that speaks to it over its pipes. */
export class McpSession {
  readonly client: Client;
  readonly #transport: StdioClientTransport;
  readonly #arena: Arena;
  said = "";

  private constructor(arena: Arena, client: Client, transport: StdioClientTransport) {
    this.#arena = arena;
    this.client = client;
    this.#transport = transport;
  }

  static async start(arena: Arena, flags: readonly string[] = []): Promise<McpSession> {
    const as =
      arena.owner === process.geteuid!()
        ? []
        : ["setpriv", `--reuid=${arena.owner}`, `--regid=${arena.owner}`, "--clear-groups"];
    const words = [
      ...as,
      ...SALLYPORT,
      "mcp",
      "--state",
      arena.state,
      "--workspace",
      arena.workspace,
      ...flags,
    ];
    const transport = new StdioClientTransport({
      command: words[0]!,
      args: words.slice(1),
      cwd: arena.root,
      env: { PATH: "/usr/bin:/bin", HOME: arena.home },
      stderr: "pipe",
    });
    const client = new Client({ name: "test", version: "1" });
    const session = new McpSession(arena, client, transport);
    transport.stderr?.on("data", (chunk: Buffer) => {
      session.said += chunk.toString();
    });
    try {
      await client.connect(transport);
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${session.said}`);
    }
    return session;
  }

  call(name: string, args: Record<string, unknown> = {}): Promise<Answer> {
    return this.client.callTool({ name, arguments: args }) as Promise<Answer>;
  }

  /** Ends the server; what its run has on record. */
  async end(): Promise<readonly LogRecord[]> {
    const run = /· run (\w+)/.exec(this.said)?.[1] ?? "";
    await this.client.close();
    // Ours is the pipe; the run goes on to write its last records.
    for (let tries = 0; tries < 200 && !this.said.includes(`run ${run} ended`); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return await recordsOf(this.#arena, run);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#transport.close();
  }
}
