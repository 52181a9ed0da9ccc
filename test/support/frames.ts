import { expect } from "vitest";
import { type Arena, fingerprint } from "./arena.ts";
import { survivors } from "./attack.ts";
import { REFUSED, runVictim } from "./hostile.ts";
import { stubbornProfile } from "./stubborn_profile.ts";

export type Prepared = { readonly greet: boolean; readonly bytes: Uint8Array };

export const greeted = (list: readonly Uint8Array[]): Prepared[] =>
  list.map((one) => ({ greet: true, bytes: one }));

/** The format of victims/send_frames.c. */
export function serializeFrames(frames: readonly Prepared[]): Buffer {
  const parts = frames.flatMap(({ greet, bytes: frame }) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(greet ? 1 : 0, 0);
    head.writeUInt32LE(frame.length, 1);
    return [head, frame];
  });
  return Buffer.concat(parts);
}

/** Sends frames to a live broker, each as a client of its own, and says what became of them; nothing outside may change. */
export async function sendFrames(arena: Arena, frames: readonly Prepared[]): Promise<string> {
  arena.put("workspace/frames", serializeFrames(frames));
  const before = fingerprint(arena.outside);
  const run = await runVictim(arena, "send_frames", ["frames"], { flags: stubbornProfile(arena) });
  expect(run.exitCode, `${run.stdout}${run.stderr}`).toBe(REFUSED);
  expect(fingerprint(arena.outside)).toBe(before);
  expect(survivors(arena)).toEqual([]);
  return run.stdout;
}
