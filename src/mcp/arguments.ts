import { ToolError } from "./tool.ts";

/** Text of a path, of a command: what the system takes. */
export const MAX_PATH_CHARACTERS = 4_096;

/** What a cell of a workbook may hold. */
export const CELL_TYPES = ["string", "number", "boolean", "null"] as const;

export type Field =
  | {
      readonly type: "string";
      readonly description: string;
      readonly maxLength: number;
      readonly enum?: readonly string[];
    }
  | {
      readonly type: "integer";
      readonly description: string;
      readonly minimum: number;
      readonly maximum: number;
    }
  | { readonly type: "boolean"; readonly description: string }
  | { readonly type: typeof CELL_TYPES; readonly description: string }
  | {
      readonly type: "array";
      readonly description: string;
      readonly maxItems: number;
      readonly minItems?: number;
      readonly items: Field | Schema;
    };

/** JSON Schema of an object, as far as it is needed here. */
export type Schema = {
  readonly type: "object";
  readonly description?: string;
  readonly properties: Readonly<Record<string, Field>>;
  readonly required: readonly string[];
  readonly additionalProperties: false;
};

export function object(
  properties: Readonly<Record<string, Field>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, required, additionalProperties: false };
}

export function path(description: string): Field {
  return { type: "string", description, maxLength: MAX_PATH_CHARACTERS };
}

/** Holds what came against the schema that was published. Throws ToolError with the field and what it should be. */
export function checkArguments(
  schema: Schema,
  value: unknown,
  where = "",
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object");
  const given = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given))
    if (!Object.hasOwn(schema.properties, name))
      throw wrong(join(where, name), "left out: there is no such field");
  for (const name of schema.required) if (given[name] === undefined) throw wrong(join(where, name), "given");
  for (const [name, field] of Object.entries(schema.properties))
    if (given[name] !== undefined) checkField(field, given[name], join(where, name));
  return given;
}

function checkField(field: Field | Schema, value: unknown, where: string): void {
  switch (field.type) {
    case "object":
      checkArguments(field, value, where);
      return;
    case "string":
      if (typeof value !== "string" || value.length > field.maxLength)
        throw wrong(where, `text of at most ${field.maxLength} characters`);
      if (field.enum !== undefined && !field.enum.includes(value))
        throw wrong(where, `one of ${field.enum.join(", ")}`);
      return;
    case "integer":
      if (
        !Number.isSafeInteger(value) ||
        (value as number) < field.minimum ||
        (value as number) > field.maximum
      )
        throw wrong(where, `an integer ${field.minimum} to ${field.maximum}`);
      return;
    case CELL_TYPES:
      if (value !== null && !["string", "number", "boolean"].includes(typeof value))
        throw wrong(where, "text, a number, true, false or null");
      return;
    case "boolean":
      if (typeof value !== "boolean") throw wrong(where, "true or false");
      return;
    case "array": {
      const fewest = field.minItems ?? 0;
      if (!Array.isArray(value) || value.length > field.maxItems || value.length < fewest)
        throw wrong(where, `an array of ${fewest} to ${field.maxItems}`);
      value.forEach((entry, at) => {
        checkField(field.items, entry, `${where}[${at}]`);
      });
    }
  }
}

function join(where: string, name: string): string {
  // A name of the caller's: it is hostile text, and may be long.
  const short = JSON.stringify(name.slice(0, 60)).slice(1, -1);
  return where === "" ? short : `${where}.${short}`;
}

function wrong(where: string, expected: string): ToolError {
  return new ToolError(`"${where === "" ? "arguments" : where}" must be ${expected}`);
}
