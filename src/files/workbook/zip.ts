import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { workbookProblem } from "./problem.ts";

/** One file of an archive. `data` is as it is stored. */
export type ZipEntry = {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly sizeBytes: number;
  readonly time: number;
  readonly date: number;
  readonly data: Buffer;
};

const MAX_ENTRIES = 4096;
const END = 0x0605_4b50;
const CENTRAL = 0x0201_4b50;
const LOCAL = 0x0403_4b50;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;
/** Language encoding flag: the name is UTF-8. */
const UTF8 = 0x800;

/**
 * Lists an archive (APPNOTE.TXT 6.3, without ZIP64, encryption and several disks). Nothing is inflated yet. Throws INVALID for
 * anything else, and for two entries of one name, of which readers would see different ones.
 */
export function readZip(bytes: Buffer): readonly ZipEntry[] {
  const end = endOf(bytes);
  const count = bytes.readUInt16LE(end + 10);
  if (count > MAX_ENTRIES) throw workbookProblem(`it has ${count} parts, at most ${MAX_ENTRIES} are read`);
  if (bytes.readUInt16LE(end + 8) !== count) throw workbookProblem("it is split over several files");
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < count; i++) {
    const entry = entryAt(bytes, at);
    if (names.has(entry.name))
      throw workbookProblem(`two of its parts are called ${JSON.stringify(entry.name)}`);
    names.add(entry.name);
    entries.push(entry);
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return entries;
}

/** The content of an entry. Throws INVALID when it is larger than `maxBytes`, or not what its checksum says. */
export function inflate(entry: ZipEntry, maxBytes: number): Buffer {
  if (entry.sizeBytes > maxBytes)
    throw workbookProblem(`its part ${JSON.stringify(entry.name)} is larger than ${maxBytes} bytes`);
  let content: Buffer;
  try {
    content =
      entry.method === STORED
        ? entry.data
        : inflateRawSync(entry.data, { maxOutputLength: Math.max(entry.sizeBytes, 1) });
  } catch {
    throw workbookProblem(`its part ${JSON.stringify(entry.name)} is damaged`);
  }
  if (content.length !== entry.sizeBytes || crc32(content) !== entry.crc)
    throw workbookProblem(`its part ${JSON.stringify(entry.name)} is damaged`);
  return content;
}

/** The same entry with another content. */
export function withContent(entry: ZipEntry, content: Buffer): ZipEntry {
  return {
    ...entry,
    method: DEFLATED,
    crc: crc32(content),
    sizeBytes: content.length,
    data: deflateRawSync(content),
  };
}

/** An archive of the entries in their order; what was stored is carried over as it is. */
export function writeZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name, "utf8");
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(UTF8, 2);
    shared.writeUInt16LE(entry.method, 4);
    shared.writeUInt16LE(entry.time, 6);
    shared.writeUInt16LE(entry.date, 8);
    shared.writeUInt32LE(entry.crc, 10);
    shared.writeUInt32LE(entry.data.length, 14);
    shared.writeUInt32LE(entry.sizeBytes, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.alloc(4);
    local.writeUInt32LE(LOCAL);
    parts.push(local, shared, name, entry.data);
    const head = Buffer.alloc(6);
    head.writeUInt32LE(CENTRAL);
    head.writeUInt16LE(20, 4);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(head, shared, tail, name);
    offset += 30 + name.length + entry.data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

function endOf(bytes: Buffer): number {
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= 0 && at >= last - 0xffff; at--) {
    if (bytes.readUInt32LE(at) !== END) continue;
    const directory = bytes.readUInt32LE(at + 16);
    if (directory === 0xffff_ffff || bytes.readUInt16LE(at + 10) === 0xffff)
      throw workbookProblem("it is a ZIP64 archive, which is not read here");
    return at;
  }
  throw workbookProblem("it is no Office Open XML file (.xlsx, .xlsm); save it as one");
}

function entryAt(bytes: Buffer, at: number): ZipEntry {
  if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== CENTRAL) throw damaged();
  const flags = bytes.readUInt16LE(at + 8);
  const method = bytes.readUInt16LE(at + 10);
  const nameBytes = bytes.readUInt16LE(at + 28);
  const name = bytes.toString("utf8", at + 46, at + 46 + nameBytes);
  if ((flags & ENCRYPTED) !== 0) throw workbookProblem("it is encrypted");
  if (method !== STORED && method !== DEFLATED)
    throw workbookProblem(`its part ${JSON.stringify(name)} is packed by a method that is not read here`);
  const packedBytes = bytes.readUInt32LE(at + 20);
  const local = bytes.readUInt32LE(at + 42);
  if (local + 30 > bytes.length || bytes.readUInt32LE(local) !== LOCAL) throw damaged();
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  if (start + packedBytes > bytes.length) throw damaged();
  return {
    name,
    method,
    crc: bytes.readUInt32LE(at + 16),
    sizeBytes: bytes.readUInt32LE(at + 24),
    time: bytes.readUInt16LE(at + 12),
    date: bytes.readUInt16LE(at + 14),
    data: bytes.subarray(start, start + packedBytes),
  };
}

function damaged(): Error {
  return workbookProblem("its archive is damaged");
}
