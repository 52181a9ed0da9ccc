import type { FileAlternatives } from "../../files/file_alternatives.ts";
import type { FileLimit } from "../../policy/capability/compile.ts";

/**
 * What the files must be that a run has written under tokens, by name: looked at when no process of the run is left. A session that may
 * write anything there lifts it: what stands there from then on is its own doing.
 */
export class WrittenFiles {
  readonly #limits = new Map<string, FileAlternatives>();

  /** To be called before the file can be written. */
  note(path: string, lists: readonly (readonly FileLimit[])[]): void {
    if (lists.length === 0) {
      this.#limits.delete(path);
      return;
    }
    const known = this.#limits.get(path) ?? [];
    const added = alternativesOf(lists).filter((list) => !known.some((one) => isSame(one, list)));
    this.#limits.set(path, [...known, ...added]);
  }

  /** The file gets another name, or a second one, and stays what it must be. */
  follow(from: string, to: string): void {
    const [before, known] = [this.of(from), this.of(to)];
    const added = before.filter((list) => !known.some((one) => isSame(one, list)));
    if (added.length > 0) this.#limits.set(to, [...known, ...added]);
  }

  get isEmpty(): boolean {
    return this.#limits.size === 0;
  }

  of(path: string): FileAlternatives {
    return this.#limits.get(path) ?? [];
  }
}

export function alternativesOf(lists: readonly (readonly FileLimit[])[]): FileAlternatives {
  return lists.map((list) =>
    list.map(({ maxSizeBytes, mimeTypes }) => ({
      maxBytes: maxSizeBytes,
      maxFiles: null,
      mimeTypes: mimeTypes ?? [],
    })),
  );
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
