import { connect } from "node:net";
import { FAILURE, framed } from "./message.ts";
import { MessageStream } from "./stream.ts";

/** A key may ask its owner to touch it. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Asks the person's agent one thing. Gives its answer, or FAILURE when it gives none. */
export function askAgent(path: string, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const stream = new MessageStream();
    const socket = connect(path);
    const end = (answer: Uint8Array): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => end(FAILURE));
    socket.on("error", () => end(FAILURE));
    socket.on("close", () => end(FAILURE));
    socket.on("data", (chunk) => {
      const messages = stream.push(chunk);
      if (messages === null) end(FAILURE);
      else if (messages[0] !== undefined) end(messages[0]);
    });
    socket.write(framed(message));
  });
}
