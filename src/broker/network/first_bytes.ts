import type { Inside } from "./tls_inside.ts";

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

/** Reads until `parse` has what it wants. A connection that fails is "wrong"; one that takes too long is closed. */
export async function readFirst<T>(
  stream: Inside,
  already: Buffer,
  parse: (bytes: Buffer) => Parsing<T>,
  bounds: { readonly maxBytes: number; readonly timeoutMs: number },
): Promise<FirstBytes<T>> {
  const timer = setTimeout(() => stream.close("reset"), bounds.timeoutMs);
  try {
    for (let have = already; ; ) {
      const parsed = parse(have);
      if (parsed.kind === "value")
        return { kind: "value", value: parsed.value, rest: have.subarray(parsed.taken) };
      if (parsed.kind === "wrong") return parsed;
      if (have.length >= bounds.maxBytes) return wrong("too long");
      const chunk = await stream.read();
      if (chunk.length === 0) return wrong("ended early");
      have = have.length === 0 ? chunk : Buffer.concat([have, chunk]);
    }
  } catch {
    return wrong("the connection failed");
  } finally {
    clearTimeout(timer);
  }
}

/** Writes an answer, and closes once the peer has read it or does not want it. */
export async function answerAndClose(stream: Inside, bytes: Uint8Array, timeoutMs = 5000): Promise<void> {
  const timer = setTimeout(() => stream.close("reset"), timeoutMs);
  try {
    await stream.write(bytes);
    stream.end();
    // What still comes is read: a close before would take the answer away again.
    while ((await stream.read()).length > 0);
  } catch {
    // The peer has gone; so does the answer.
  } finally {
    clearTimeout(timer);
    stream.close();
  }
}
