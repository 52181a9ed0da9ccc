import type { Client } from "../client/client.ts";
import type { Schema } from "./arguments.ts";

/** What a tool gives: text for a model, and the same as data. */
export type Made = { readonly text: string; readonly data: Readonly<Record<string, unknown>> };

export type Arguments = Readonly<Record<string, unknown>>;

/** A tool of the server. Its arguments are those of the schema, and nothing else; what it throws is an answer to the model. */
export type Tool = {
  readonly name: string;
  readonly description: string;
  readonly arguments: Schema;
  run(client: Client, args: Arguments, signal: AbortSignal): Promise<Made>;
};

/** Something that is wrong with what was asked, in words for the model. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}
