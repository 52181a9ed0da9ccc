import { connect } from "node:net";
import type { GpgSignRequest } from "../../protocol/message.ts";
import { dataOf, escaped, LineStream, MAX_DATA_BYTES } from "./assuan.ts";
import type { GpgKey, GpgUpstream } from "./grant.ts";

/** A person may be asked for a passphrase, or to touch a card. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Has the person's agent sign one digest with one key, in a connection of its own. null where it does not. */
export function signWithAgent(
  upstream: GpgUpstream,
  { keygrip, algorithm, digest }: GpgSignRequest,
  key: GpgKey,
  run: string,
): Promise<Uint8Array | null> {
  const question = `The sandboxed run ${run} asks for a signature with the key\n${key.fingerprint}`;
  return converse(upstream.socket, [
    ...upstream.options.map((option) => `OPTION ${option}`),
    `SIGKEY ${keygrip}`,
    `SETKEYDESC ${escaped(question)}`,
    `SETHASH ${algorithm} ${digest}`,
    "PKSIGN",
  ]);
}

/** Says the lines one after the other, as long as each is answered well. Gives what the last one is answered with. */
function converse(path: string, lines: readonly string[]): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const stream = new LineStream();
    const socket = connect(path);
    const data: Buffer[] = [];
    let next = 0;
    const end = (answer: Uint8Array | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => end(null));
    socket.on("error", () => end(null));
    socket.on("close", () => end(null));
    socket.on("data", (chunk) => {
      const answers = stream.push(chunk);
      if (answers === null) return end(null);
      for (const answer of answers) {
        const text = answer.toString("latin1");
        if (text.startsWith("D ") && next === lines.length) data.push(dataOf(answer));
        else if (text === "OK" || text.startsWith("OK ")) {
          // The first one is the greeting.
          if (next === lines.length) return end(data.length === 0 ? null : Buffer.concat(data));
          socket.write(`${lines[next++]}\n`);
        } else if (text.startsWith("INQUIRE ")) socket.write("CAN\n");
        else if (text.startsWith("ERR ") && !lines[next - 1]?.startsWith("OPTION ")) return end(null);
        else if (text.startsWith("ERR ")) socket.write(`${lines[next++]}\n`);
        if (data.reduce((sum, part) => sum + part.length, 0) > MAX_DATA_BYTES) return end(null);
      }
    });
  });
}
