/** Parts of the documentation that are made from the code: `<!-- begin NAME -->` to `<!-- end NAME -->`. */
export type Blocks = { readonly [name: string]: () => string };

const BLOCK = /(<!-- begin ([a-z-]+) -->\n)([\s\S]*?)(<!-- end \2 -->)/g;

/** Gives `text` with every block rewritten. Throws for a block that nobody makes. */
export function rewriteBlocks(text: string, blocks: Blocks): string {
  return text.replace(BLOCK, (_whole, begin: string, name: string, _old: string, end: string) => {
    const make = blocks[name];
    if (make === undefined) throw new Error(`Cannot make block "${name}": no generator has that name`);
    return `${begin}\n${make().trim()}\n\n${end}`;
  });
}

/** Names of the blocks in `text`, in their order. */
export function blocksOf(text: string): string[] {
  return [...text.matchAll(BLOCK)].map((match) => match[2]!);
}

/** A Markdown table. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), `|${header.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n");
}

export function code(text: string | number): string {
  return `\`${text}\``;
}

export function codes(texts: readonly (string | number)[]): string {
  return texts.map(code).join(", ");
}
