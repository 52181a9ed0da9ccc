import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../package_files.ts";
import { parseYaml } from "../yaml_text.ts";

type Names = {
  readonly interpreters: readonly { readonly files: readonly string[] }[];
  readonly loaders: readonly string[];
};

type Expressions = { readonly interpreter: RegExp; readonly loader: RegExp };

let expressions: Expressions | undefined;

/** What a file is by its name, as profiles/programs/interpreters.yaml says; null: nothing that it knows. */
export function kindByName(name: string): "interpreter" | "loader" | null {
  expressions ??= read();
  if (expressions.interpreter.test(name)) return "interpreter";
  return expressions.loader.test(name) ? "loader" : null;
}

function read(): Expressions {
  const file = join(packageRoot(), "profiles", "programs", "interpreters.yaml");
  const { interpreters, loaders } = parseYaml(readFileSync(file, "utf8")) as Names;
  return { interpreter: anyOf(interpreters.flatMap(({ files }) => files)), loader: anyOf(loaders) };
}

/** `*` is any run of characters, [0-9] a digit. */
function anyOf(globs: readonly string[]): RegExp {
  const parts = globs.map((glob) =>
    glob
      .split(/(\*|\[0-9\])/)
      .map((part) =>
        part === "*" ? ".*" : part === "[0-9]" ? part : part.replace(/[.+?^${}()|\\[\]]/g, "\\$&"),
      )
      .join(""),
  );
  return new RegExp(`^(?:${parts.join("|")})$`, "s");
}
