import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { Connection } from "../../../src/client/connection.ts";
import { binding } from "../../../src/platform/binding.ts";
import { errnoNumber } from "../../../src/platform/errno.ts";
import { SallyportError } from "../../../src/protocol/errors.ts";
import type { Denial, ReplyValue, WireRequest } from "../../../src/protocol/message.ts";
import { type Sanitizer, sanitizerObstacle, shimProgram } from "../shim_program.ts";
import { scriptLine } from "./script.ts";
import type { VectorBroker } from "./vector_broker.ts";

/** What a shim says of one call. */
export type Said =
  | { readonly ok: true; readonly value: ReplyValue; readonly descriptor: boolean }
  | {
      readonly ok: false;
      readonly code: string;
      readonly errno: number;
      readonly message: string;
      readonly denial: Denial | null;
    };

/**
 * A client of the wire. `make` has it make these calls of the broker, each over a channel of its own, and gives what it says of each.
 * A shim in another language is a driver program (test/shim/driver.h) and a line in SHIMS.
 */
export type Shim = {
  readonly name: string;
  /** A client that is installed apart from its broker may meet an earlier one. */
  readonly reads?: "the first denials too";
  /** Why it can not be tried here, or "". */
  readonly obstacle: () => string;
  readonly make: (calls: readonly WireRequest[], broker: VectorBroker) => Promise<readonly Said[]>;
};

const DRIVER = new URL("../../shim/driver.py", import.meta.url).pathname;

export const SHIMS: readonly Shim[] = [
  { name: "TypeScript client", obstacle: () => "", make: inThisProcess },
  {
    name: "C library",
    reads: "the first denials too",
    obstacle: () => "",
    make: (calls, broker) => driven([shimProgram("driver", strictest())], calls, broker),
  },
  {
    name: "Python package",
    reads: "the first denials too",
    obstacle: pythonObstacle,
    make: (calls, broker) => driven(["python3", DRIVER], calls, broker),
  },
];

/** With AddressSanitizer, which also finds what is left allocated, where the compiler has it. */
function strictest(): Sanitizer {
  return sanitizerObstacle("address") === "" ? "address" : "none";
}

export function pythonObstacle(): string {
  try {
    execFileSync("python3", ["-c", "import sys, ctypes; sys.exit(sys.version_info < (3, 9))"], {
      stdio: "ignore",
    });
    return "";
  } catch {
    return "needs python3 of 3.9 or newer with ctypes, this machine has none";
  }
}

/** Runs a driver outside of any run, with the broker's channel as the descriptor that SALLYPORT_FD names. */
export async function driven(
  command: readonly string[],
  calls: readonly WireRequest[],
  broker: VectorBroker,
): Promise<readonly Said[]> {
  const [program = "", ...args] = command;
  const child: ChildProcess = spawn(program, args, {
    stdio: ["pipe", "pipe", "inherit", broker.fd],
    env: { ...process.env, SALLYPORT_FD: "3" },
  });
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stdin!.on("error", () => {});
  child.stdin!.end(`${calls.map(scriptLine).join("\n")}\n`);
  const code = await ended;
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Said);
}

async function inThisProcess(calls: readonly WireRequest[], broker: VectorBroker): Promise<readonly Said[]> {
  const said: Said[] = [];
  for (const call of calls) {
    const connection = new Connection(binding, broker.openChannel());
    try {
      await connection.hello;
      const { value, fd } = await connection.ask(call);
      if (fd >= 0) broker.closeDescriptor(fd);
      said.push({ ok: true, value, descriptor: fd >= 0 });
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      const { code, message, denial = null } = error;
      said.push({ ok: false, code, errno: errnoNumber(error.errno), message, denial });
    } finally {
      connection.close();
    }
  }
  return said;
}
