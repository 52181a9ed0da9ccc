import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** The text of a regular file of at most `maxBytes`. Throws a Node error for what is not there, is a link, or is anything else. */
export function readPlainText(file: string, maxBytes: number): string {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const fd = openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const found = fstatSync(fd);
    if (!found.isFile() || found.size > maxBytes)
      throw Object.assign(new Error(), { code: found.isFile() ? "EFBIG" : "EINVAL" });
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, length);
    if (length > maxBytes) throw Object.assign(new Error(), { code: "EFBIG" });
    return bytes.subarray(0, length).toString("utf8");
  } finally {
    closeSync(fd);
  }
}
