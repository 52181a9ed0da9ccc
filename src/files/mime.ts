/**
 * Tells the type of a file by its content. What is not in the table, and is no text, is unknown. The first
 * chunk has to hold the beginning of the file, 512 bytes of it where there are as many. Pure. */

export const UNKNOWN_TYPE = "unknown";
/** A file without content is of every type. */
export const EMPTY_TYPE = "empty";

type Magic = { readonly type: string; readonly at: number; readonly bytes: string };

/** The first that fits counts; bytes as latin1. */
const TABLE: readonly Magic[] = [
  { type: "image/png", at: 0, bytes: "\x89PNG\r\n\x1a\n" },
  { type: "image/jpeg", at: 0, bytes: "\xff\xd8\xff" },
  { type: "image/gif", at: 0, bytes: "GIF87a" },
  { type: "image/gif", at: 0, bytes: "GIF89a" },
  { type: "image/webp", at: 8, bytes: "WEBP" },
  { type: "image/tiff", at: 0, bytes: "II*\0" },
  { type: "image/tiff", at: 0, bytes: "MM\0*" },
  { type: "audio/wav", at: 8, bytes: "WAVE" },
  { type: "audio/ogg", at: 0, bytes: "OggS" },
  { type: "audio/flac", at: 0, bytes: "fLaC" },
  { type: "audio/mpeg", at: 0, bytes: "ID3" },
  { type: "video/mp4", at: 4, bytes: "ftyp" },
  { type: "video/webm", at: 0, bytes: "\x1aE\xdf\xa3" },
  { type: "application/pdf", at: 0, bytes: "%PDF-" },
  { type: "application/zip", at: 0, bytes: "PK\x03\x04" },
  { type: "application/zip", at: 0, bytes: "PK\x05\x06" },
  { type: "application/gzip", at: 0, bytes: "\x1f\x8b" },
  { type: "application/x-bzip2", at: 0, bytes: "BZh" },
  { type: "application/x-xz", at: 0, bytes: "\xfd7zXZ\0" },
  { type: "application/zstd", at: 0, bytes: "\x28\xb5\x2f\xfd" },
  { type: "application/x-7z-compressed", at: 0, bytes: "7z\xbc\xaf\x27\x1c" },
  { type: "application/x-tar", at: 257, bytes: "ustar" },
  { type: "application/x-executable", at: 0, bytes: "\x7fELF" },
  { type: "application/x-executable", at: 0, bytes: "MZ" },
  { type: "application/wasm", at: 0, bytes: "\0asm" },
  { type: "application/vnd.sqlite3", at: 0, bytes: "SQLite format 3\0" },
  { type: "text/x-script", at: 0, bytes: "#!" },
];

/** Every type that can be told, in the order of the table. */
export const KNOWN_TYPES: readonly string[] = [...new Set(TABLE.map(({ type }) => type)), "text/plain"];

/**
 * The type of a file, of which `chunks` gives the bytes in order. Text is what is UTF-8 from its first to its last byte, without
 * control characters but tab, line feed, form feed, carriage return and escape.
 */
export function typeOf(chunks: Iterable<Uint8Array>): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = EMPTY_TYPE;
  try {
    for (const chunk of chunks) {
      if (text === EMPTY_TYPE) {
        const found = TABLE.find((magic) => fits(magic, chunk))?.type ?? "text/plain";
        if (!found.startsWith("text/")) return found;
        text = found;
      }
      if (hasControls(chunk)) return UNKNOWN_TYPE;
      decoder.decode(chunk, { stream: true });
    }
    decoder.decode();
    return text;
  } catch (error) {
    if (error instanceof TypeError) return UNKNOWN_TYPE;
    throw error;
  }
}

/** Says whether a type is among those of a profile, which may be `image/*`. */
export function isAmong(type: string, allowed: readonly string[]): boolean {
  if (type === EMPTY_TYPE) return true;
  return allowed.includes(type) || allowed.includes(`${type.slice(0, type.indexOf("/"))}/*`);
}

function fits({ at, bytes }: Magic, head: Uint8Array): boolean {
  if (head.length < at + bytes.length) return false;
  for (let index = 0; index < bytes.length; index++)
    if (head[at + index] !== bytes.charCodeAt(index)) return false;
  return true;
}

function hasControls(chunk: Uint8Array): boolean {
  return chunk.some((byte) => (byte < 32 && !TEXT_CONTROLS.has(byte)) || byte === 127);
}

const TEXT_CONTROLS: ReadonlySet<number> = new Set([9, 10, 12, 13, 27]);
