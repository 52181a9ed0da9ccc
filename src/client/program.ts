import { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { NativeBinding } from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { ExecRequest } from "../protocol/message.ts";
import type { Link } from "./link.ts";

/** How a program ended; both null: its run ended, and nobody was left to say. */
export type ProgramEnd = { readonly exitCode: number | null; readonly signal: string | null };

/** A program that was started in this run, joined by pipes. It goes on without us. */
export type Program = {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<ProgramEnd>;
};

/** A connected pair of stream sockets: ours, and the descriptor for the other side. Throws SYSTEM. */
function socketPair(binding: NativeBinding): { ours: number; theirs: number } {
  const pair = binding.streamPair();
  if (typeof pair !== "number") return { ours: pair[0], theirs: pair[1] };
  throw new SallyportError("SYSTEM", "Cannot make a pipe for the program", { errno: errnoName(-pair) });
}

/** Starts a program with pipes for 0, 1 and 2. The signal is for the start alone. */
export async function startProgram(link: Link, request: ExecRequest, signal?: AbortSignal): Promise<Program> {
  const { binding } = link;
  const pairs = [0, 1, 2, 3].map(() => socketPair(binding));
  const descriptors = pairs.map(({ theirs }) => theirs);
  try {
    const { value } = await link.ask(request, { descriptors, signal });
    const [stdin, stdout, stderr, end] = pairs.map(({ ours }) => new Socket({ fd: ours }));
    // The output stays readable when the program closes its input.
    for (const stream of [stdin!, end!]) stream.on("error", () => {});
    stdin!.resume();
    stdout!.end();
    stderr!.end();
    return {
      pid: (value as { pid: number }).pid,
      stdin: stdin!,
      stdout: stdout!,
      stderr: stderr!,
      ended: endOf(end!),
    };
  } catch (error) {
    for (const { ours } of pairs) binding.closeFd(ours);
    throw error;
  } finally {
    for (const fd of descriptors) binding.closeFd(fd);
  }
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** What wait(2) would say, as the broker tells it: four bytes, little-endian. */
async function endOf(socket: Socket): Promise<ProgramEnd> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk as Buffer);
  } catch {
    // The broker is gone.
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== 4) return { exitCode: null, signal: null };
  return programEnd(bytes.readInt32LE());
}

/** The status of wait(2). */
export function programEnd(status: number): ProgramEnd {
  const signal = status & 0x7f;
  if (signal === 0) return { exitCode: (status >> 8) & 0xff, signal: null };
  return { exitCode: null, signal: SIGNAL_NAMES.get(signal) ?? `SIG${signal}` };
}
