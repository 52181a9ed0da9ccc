/** Compiles a C program of test/support, starts it with descriptor 3 as a channel, and supervises what it traps. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binding, EVENT, type NativeNotifier } from "../../src/platform/binding.ts";

export function compileVictim(name: string): string {
  const folder = join(tmpdir(), "sallyport-victims");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, `${name}-${process.pid}`);
  const source = new URL(`./${name}.c`, import.meta.url).pathname;
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-pthread", source, "-o", program]);
  return program;
}

export type Seen = {
  readonly slot: number;
  readonly nr: number;
  readonly tid: number;
  readonly tgid: number;
  readonly status: number;
  readonly heldFd: number;
  readonly pathFlags: number;
  readonly one: string;
  readonly two: string;
  readonly wide: readonly number[];
};

export type Outcome = { readonly output: readonly string[]; readonly ended: boolean };

/** Runs `program` until it exits and its listener has ended; `onEvent` answers each call. */
export function supervise(
  program: string,
  args: readonly string[],
  onEvent: (seen: Seen, notifier: NativeNotifier, child: ChildProcess) => void,
): Promise<Outcome> {
  const [ours, theirs] = binding.socketPair();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit", theirs] });
  binding.closeFd(theirs);
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const ended = new Promise<boolean>((resolve) => {
    const channel = binding.startChannel(
      ours,
      (_bytes, _pid, _uid, _gid, fds) => {
        const notifier = binding.startNotifier(
          fds[0]!,
          (one, two) => {
            const at = (index: number): number => notifier.event[index]!;
            onEvent(
              {
                slot: at(EVENT.slot),
                nr: at(EVENT.nr),
                tid: at(EVENT.tid),
                tgid: at(EVENT.tgid),
                status: at(EVENT.status),
                heldFd: at(EVENT.heldFd),
                pathFlags: at(EVENT.pathFlags),
                one,
                two,
                wide: [...notifier.wide],
              },
              notifier,
              child,
            );
          },
          () => resolve(true),
        );
        channel.close();
      },
      () => resolve(false),
    );
  });
  return Promise.all([exited, ended]).then(([, end]) => ({
    output: output.trim().split("\n"),
    ended: end,
  }));
}
