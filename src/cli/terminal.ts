import { ReadStream, type WriteStream } from "node:tty";
import { binding } from "../platform/binding.ts";

/** The run's own terminal, relayed to ours. */
export type Relay = {
  /** Which of 0, 1 and 2 are our terminal. */
  readonly replaces: ReadonlySet<number>;
  /** To pass to the target in place of our terminal's descriptors. */
  readonly slaveFd: number;
  /** Puts our terminal back and stops relaying, after the last output has been shown. */
  stop(): Promise<void>;
};

/**
 * Gives the run a pty of its own and couples it to this process's terminal: raw mode, window size, both directions. The
 * target can reach neither our terminal nor its input queue (TIOCSTI). Without `input` nothing that is typed gets there.
 */
export function relayTerminal(
  input: ReadStream | null,
  output: WriteStream,
  replaces: ReadonlySet<number>,
): Relay {
  const [master, slave] = binding.openPty();
  const resize = (): void => binding.setWindowSize(master, output.rows ?? 24, output.columns ?? 80);
  resize();
  const pty = new ReadStream(master);
  // A pty answers EIO when its last slave is closed: that is its end of file.
  const ended = new Promise<void>((resolve) => {
    pty.on("error", () => resolve());
    pty.on("close", () => resolve());
    pty.on("end", () => resolve());
  });
  const outward = (chunk: Buffer): void => {
    if (!output.write(chunk)) {
      pty.pause();
      output.once("drain", () => pty.resume());
    }
  };
  const inward = (chunk: Buffer): void => {
    (pty as unknown as NodeJS.WritableStream).write(chunk);
  };
  pty.on("data", outward);
  // Not setRawMode: it leaves the translation of line ends on, which the run's own terminal has done already. Without input
  // ours stays as it is, for Ctrl-C, and translates.
  const before = input === null ? null : binding.makeRaw(0);
  if (input === null) binding.makeRaw(slave);
  input?.on("data", inward);
  input?.resume();
  process.on("SIGWINCH", resize);
  return {
    replaces,
    slaveFd: slave,
    async stop() {
      binding.closeFd(slave);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 500))]);
      process.off("SIGWINCH", resize);
      input?.off("data", inward);
      if (before !== null) binding.restoreTerminal(0, before);
      input?.pause();
      pty.destroy();
    },
  };
}
