/** Lines of the Assuan protocol (libassuan's manual, "Server responses" and "Client requests"), as gpg-agent speaks it. */

/** Without the line end. */
export const MAX_LINE_BYTES = 1000;
/** What one command may answer with altogether; a signature has some hundred bytes. */
export const MAX_DATA_BYTES: number = 64 * 1024;

/** Numbers of libgpg-error that commands are answered with. */
type ErrorName =
  | "noSecretKey"
  | "canceled"
  | "forbidden"
  | "noSmartCardDaemon"
  | "unknownOption"
  | "false"
  | "syntax";

/** As gpg-agent sends them: with its own number above. */
export const ERROR: Readonly<Record<ErrorName, number>> = {
  noSecretKey: agentError(17),
  canceled: agentError(99),
  forbidden: agentError(251),
  noSmartCardDaemon: agentError(119),
  unknownOption: agentError(174),
  false: agentError(256),
  syntax: agentError(276),
};

function agentError(code: number): number {
  return (4 << 24) | code;
}

/** Cuts a stream of bytes into lines. */
export class LineStream {
  #pending: Buffer = Buffer.alloc(0);

  /** The lines that are whole by now; null when one is longer than any may be. */
  push(chunk: Uint8Array): readonly Buffer[] | null {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const lines: Buffer[] = [];
    for (;;) {
      const end = this.#pending.indexOf(0x0a);
      if ((end < 0 ? this.#pending.length : end) > MAX_LINE_BYTES) return null;
      if (end < 0) return lines;
      lines.push(this.#pending.subarray(0, end));
      this.#pending = this.#pending.subarray(end + 1);
    }
  }
}

/** Data lines of these bytes, cut where they are too long. */
export function dataLines(bytes: Uint8Array): Buffer {
  const lines: string[] = [];
  let line = "D ";
  for (const byte of bytes) {
    const escaped = byte === 0x25 || byte === 0x0d || byte === 0x0a;
    line += escaped ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte);
    if (line.length > MAX_LINE_BYTES - 3) {
      lines.push(line);
      line = "D ";
    }
  }
  if (line !== "D ") lines.push(line);
  return Buffer.from(lines.map((one) => `${one}\n`).join(""), "latin1");
}

/** What a data line holds. */
export function dataOf(line: Buffer): Buffer {
  const text = line.subarray(2).toString("latin1");
  return Buffer.from(
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}

/** A text as an argument. */
export function escaped(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte === 0x20
        ? "+"
        : byte < 0x21 || byte > 0x7e || byte === 0x25 || byte === 0x2b
          ? hex(byte)
          : String.fromCharCode(byte),
    )
    .join("");
}

function hex(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** What a run may ask of a gpg-agent that only signs. */
export type AgentCommand =
  | { readonly kind: "reset" }
  | { readonly kind: "fine" }
  | { readonly kind: "bye" }
  | { readonly kind: "version" }
  | { readonly kind: "have"; readonly keygrips: readonly string[] }
  | { readonly kind: "list" }
  | { readonly kind: "info"; readonly keygrip: string }
  | { readonly kind: "key"; readonly keygrip: string }
  | { readonly kind: "digest"; readonly algorithm: number; readonly digest: string }
  | { readonly kind: "sign" }
  /** Asked in passing, and answered with an error without being a matter for the record. */
  | { readonly kind: "lacking"; readonly error: number }
  /** Decrypting, exporting, making and changing keys, and all that is not known. */
  | { readonly kind: "other"; readonly name: string };

/** Of the person's terminal and locale, which the run has no say in; accepted and dropped. */
const OPTIONS = new Set([
  "agent-awareness",
  "allow-pinentry-notify",
  "display",
  "lc-ctype",
  "lc-messages",
  "putenv",
  "ttyname",
  "ttytype",
  "xauthority",
]);
const NAMED_ALGORITHMS: Readonly<Record<string, number>> = { sha256: 8, sha384: 9, sha512: 10, sha224: 11 };
const KEYGRIP = "([0-9A-Fa-f]{40})";

/** Commands are known in upper case only, as gpg writes them; each must be exactly as gpg says it. */
export function parseCommand(line: Buffer): AgentCommand {
  const text = line.toString("latin1").replace(/\r$/, "");
  const [, name = "", rest = ""] = /^([A-Z_0-9]+)(?: +(.*))?$/.exec(text) ?? [];
  switch (name) {
    case "RESET":
      return { kind: "reset" };
    case "NOP":
      return { kind: "fine" };
    case "BYE":
      return { kind: "bye" };
    case "OPTION": {
      const option = /^(?:--)?([a-z-]+)/.exec(rest)?.[1] ?? "";
      return OPTIONS.has(option) ? { kind: "fine" } : { kind: "lacking", error: ERROR.unknownOption };
    }
    // The text would be shown to the person, who believes it to be the agent's.
    case "SETKEYDESC":
      return { kind: "fine" };
    case "GETINFO":
      return rest === "version" ? { kind: "version" } : { kind: "lacking", error: ERROR.false };
    case "SCD":
      return rest === "SERIALNO"
        ? { kind: "lacking", error: ERROR.noSmartCardDaemon }
        : { kind: "other", name };
    case "HAVEKEY":
      if (/^--list(?:=\d+)?$/.test(rest)) return { kind: "list" };
      return new RegExp(`^${KEYGRIP}(?: +${KEYGRIP})*$`).test(rest)
        ? { kind: "have", keygrips: rest.toUpperCase().split(/ +/) }
        : { kind: "other", name };
    case "KEYINFO":
    case "SIGKEY": {
      const keygrip = new RegExp(`^${KEYGRIP}$`).exec(rest)?.[1]?.toUpperCase();
      if (keygrip === undefined) return { kind: "other", name };
      return { kind: name === "SIGKEY" ? "key" : "info", keygrip };
    }
    case "SETHASH":
      return digestOf(rest) ?? { kind: "other", name };
    case "PKSIGN":
      // A nonce would have the agent look for a passphrase of another key.
      return rest === "" ? { kind: "sign" } : { kind: "other", name };
    default:
      return { kind: "other", name: name === "" ? "a malformed line" : name };
  }
}

function digestOf(rest: string): AgentCommand | null {
  const [, named, number, digest = ""] =
    /^(?:--hash=([a-z0-9]+)|(\d{1,3})) +((?:[0-9A-Fa-f]{2})+)$/.exec(rest) ?? [];
  const algorithm = number === undefined ? NAMED_ALGORITHMS[named ?? ""] : Number(number);
  return algorithm === undefined ? null : { kind: "digest", algorithm, digest: digest.toUpperCase() };
}
