import type { Socket } from "node:net";

/** What a parser makes of the bytes so far: it wants more, refuses them, or gives a value and how many bytes it took. */
export type Parsing<T> =
  | { readonly kind: "more" }
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "value"; readonly value: T; readonly taken: number };

export const MORE = { kind: "more" } as const;
export const wrong = (why: string): { readonly kind: "wrong"; readonly why: string } => ({
  kind: "wrong",
  why,
});

export type FirstBytes<T> =
  | { readonly kind: "value"; readonly value: T; readonly rest: Buffer }
  | { readonly kind: "wrong"; readonly why: string };

/** Reads from a paused socket until `parse` has what it wants, and leaves it paused. A socket that fails is "wrong". */
export function readFirst<T>(
  socket: Socket,
  already: Buffer,
  parse: (bytes: Buffer) => Parsing<T>,
  bounds: { readonly maxBytes: number; readonly timeoutMs: number },
): Promise<FirstBytes<T>> {
  return new Promise((resolve) => {
    let have = already;
    const done = (result: FirstBytes<T>): void => {
      clearTimeout(timer);
      socket.pause();
      socket.off("data", take);
      socket.off("end", ended);
      socket.off("close", ended);
      resolve(result);
    };
    const judge = (): boolean => {
      const parsed = parse(have);
      if (parsed.kind === "more" && have.length < bounds.maxBytes) return false;
      if (parsed.kind === "value")
        done({ kind: "value", value: parsed.value, rest: have.subarray(parsed.taken) });
      else done(parsed.kind === "more" ? wrong("too long") : parsed);
      return true;
    };
    const take = (chunk: Buffer): void => {
      have = have.length === 0 ? chunk : Buffer.concat([have, chunk]);
      judge();
    };
    const ended = (): void => done(wrong("ended early"));
    const timer = setTimeout(() => done(wrong("took too long")), bounds.timeoutMs);
    socket.on("data", take);
    socket.on("end", ended);
    socket.on("close", ended);
    if (!judge()) socket.resume();
  });
}
