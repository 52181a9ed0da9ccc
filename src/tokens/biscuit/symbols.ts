import { broken } from "./protobuf.ts";

/** The names that every Biscuit has without saying them, in their order (SPECIFICATIONS.md, "Symbol table"). */
const DEFAULT: readonly string[] =
  "read write resource operation right time role owner tenant namespace user team service admin email group member ip_address client client_ip domain path version cluster node hostname nonce query".split(
    " ",
  );
/** Where the names begin that blocks bring. */
const FIRST = 1024;

/** The names of all blocks so far. */
export class Symbols {
  readonly #own: string[] = [];

  /** One name twice would let a block mean something else by the number of another. */
  add(name: string, where: string): void {
    if (DEFAULT.includes(name) || this.#own.includes(name))
      throw broken(where, "brings a symbol that is there already");
    this.#own.push(name);
  }

  at(index: number): string | undefined {
    return index < FIRST ? DEFAULT[index] : this.#own[index - FIRST];
  }
}

export function symbolAt(symbols: Symbols, index: number, where: string): string {
  const name = symbols.at(index);
  if (name === undefined) throw broken(where, `names the symbol ${index}, which nobody has brought`);
  return name;
}
