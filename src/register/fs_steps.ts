import { constants, fstatSync, readSync, writeSync } from "node:fs";
import { posix } from "node:path";
import type { Answer } from "../client/connection.ts";
import { fromLinuxFlags, O } from "../platform/open_flags.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { Stat, WireRequest } from "../protocol/message.ts";
import { callerPath } from "./caller_path.ts";
import type { Steps } from "./calls.ts";
import type { FsFunction, NodeFs } from "./node_fs.ts";

type Args = readonly unknown[];
/** null: the broker has nothing to say to such a call, and what the floor said stays. */
export type Plan = (args: Args) => Steps<unknown> | null;

const COPY_CHUNK = 1 << 20;
/** uv_dirent_type_t of uv.h. */
const UNKNOWN_KIND = 0;
const DIRENT: Readonly<Record<Stat["kind"], number>> = {
  file: 1,
  directory: 2,
  symlink: 3,
  fifo: 4,
  socket: 5,
  device: 6,
};
const NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** What each function of Node's fs comes to when the floor has refused it. `native` are the functions as they were. */
export function fsPlans(
  native: NodeFs,
  close: (fd: number) => void,
): { readonly [name in FsFunction]: Plan } {
  const pathOf = (path: unknown): string | null => callerPath(path, native["realpath"]!);
  const held = (fd: unknown): string => `/proc/self/fd/${String(fd)}`;

  /** One request about one path. */
  const one =
    (make: (path: string, args: Args) => WireRequest): Plan =>
    (args) => {
      const path = pathOf(args[0]);
      return path === null ? null : just(make(path, args));
    };

  function* openSteps(path: string, flags: number, mode: number): Steps<number> {
    const { fd } = yield { op: "open", path, flags: wireFlags(flags), mode: mode & 0o7777 };
    return fd;
  }

  const open: Plan = ([path, flags, mode]) => {
    const text = pathOf(path);
    if (text === null || (Number(flags) & O.path) !== 0) return null;
    return openSteps(text, Number(flags), Number(mode));
  };

  function* mkdirSteps(path: string, given: string, mode: number): Steps<string | undefined> {
    try {
      yield { op: "mkdir", path, mode };
      return given;
    } catch (error) {
      if (errnoOf(error) === "EEXIST") {
        const { value } = yield { op: "stat", path, follow: "follow" };
        if ((value as Stat).kind === "directory") return undefined;
      }
      if (errnoOf(error) !== "ENOENT" || path === "/") throw error;
    }
    const first = yield* mkdirSteps(posix.dirname(path), posix.dirname(given), mode);
    try {
      yield { op: "mkdir", path, mode };
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      return first;
    }
    return first ?? given;
  }

  function* copySteps(from: string, to: string, mode: number): Steps<undefined> {
    if ((mode & constants.COPYFILE_FICLONE_FORCE) === constants.COPYFILE_FICLONE_FORCE)
      throw new SallyportError("UNSUPPORTED", "The broker does not clone", { errno: "ENOTSUP" });
    const source = yield* readable(from);
    try {
      const permissions = fstatSync(source).mode & 0o777;
      const exclusive = (mode & constants.COPYFILE_EXCL) !== 0 ? O.excl : 0;
      const target = yield* openSteps(to, O.wronly | O.creat | O.trunc | exclusive, permissions);
      try {
        const buffer = Buffer.allocUnsafe(COPY_CHUNK);
        for (let got = readSync(source, buffer); got > 0; got = readSync(source, buffer))
          writeAll(target, buffer.subarray(0, got));
      } finally {
        close(target);
      }
      if ((permissions & process.umask()) !== 0)
        yield { op: "chmod", path: to, mode: permissions, follow: "follow" };
    } finally {
      close(source);
    }
    return undefined;
  }

  /** Where the floor lets it be read there is nothing to ask. */
  function* readable(path: string): Steps<number> {
    try {
      return native["open"]!(path, O.cloexec, 0o666) as number;
    } catch {
      return yield* openSteps(path, 0, 0);
    }
  }

  function* mkdtempSteps(prefix: string, given: string, encoding: unknown): Steps<string | Buffer> {
    for (let tries = 0; ; tries++) {
      const name = randomName();
      try {
        yield { op: "mkdir", path: `${prefix}${name}`, mode: 0o700 };
      } catch (error) {
        if (errnoOf(error) !== "EEXIST" || tries === 100) throw error;
        continue;
      }
      const made = Buffer.from(`${given}${name}`);
      return encoding === "buffer" ? made : made.toString((encoding as BufferEncoding | undefined) ?? "utf8");
    }
  }

  function* listSteps(path: string, encoding: unknown, withTypes: unknown): Steps<unknown> {
    const { value } = yield { op: "list", path };
    const names = value as readonly string[];
    const kinds: number[] = [];
    if (withTypes) for (const name of names) kinds.push(yield* kindOf(`${path === "/" ? "" : path}/${name}`));
    const encoded = names.map((name) => encodeName(name, encoding));
    return withTypes ? [encoded, kinds] : encoded;
  }

  function* kindOf(path: string): Steps<number> {
    try {
      const { value } = yield { op: "stat", path, follow: "nofollow" };
      return DIRENT[(value as Stat).kind];
    } catch {
      // It has gone meanwhile.
      return UNKNOWN_KIND;
    }
  }

  const two =
    (make: (from: string, to: string, args: Args) => Steps<unknown>): Plan =>
    (args) => {
      const from = pathOf(args[0]);
      const to = pathOf(args[1]);
      return from === null || to === null ? null : make(from, to, args);
    };

  return {
    open,
    openFileHandle: (args) => {
      const steps = open(args) as Steps<number> | null;
      return steps === null ? null : mapped(steps, (fd) => new native.FileHandle(fd));
    },
    mkdir: ([path, mode, recursive]) => {
      const text = pathOf(path);
      if (text === null) return null;
      const bits = Number(mode) & 0o7777;
      return recursive ? mkdirSteps(text, given(path), bits) : just({ op: "mkdir", path: text, mode: bits });
    },
    rmdir: one((path) => ({ op: "unlink", path, kind: "directory" })),
    unlink: one((path) => ({ op: "unlink", path, kind: "file" })),
    rename: two((from, to) => just({ op: "rename", from, to, existing: "replace" })),
    link: two((from, to) => just({ op: "link", from, to, follow: "nofollow" })),
    symlink: ([target, path]) => {
      const text = pathOf(path);
      return text === null ? null : just({ op: "symlink", target: String(target), path: text });
    },
    chmod: one((path, [, mode]) => ({ op: "chmod", path, mode: Number(mode) & 0o7777, follow: "follow" })),
    fchmod: ([fd, mode]) =>
      just({ op: "chmod", path: held(fd), mode: Number(mode) & 0o7777, follow: "follow" }),
    chown: one((path, [, uid, gid]) => chown(path, uid, gid, "follow")),
    lchown: one((path, [, uid, gid]) => chown(path, uid, gid, "nofollow")),
    fchown: ([fd, uid, gid]) => just(chown(held(fd), uid, gid, "follow")),
    utimes: one((path, [, accessed, modified]) => utimens(path, accessed, modified, "follow")),
    lutimes: one((path, [, accessed, modified]) => utimens(path, accessed, modified, "nofollow")),
    futimes: ([fd, accessed, modified]) => just(utimens(held(fd), accessed, modified, "follow")),
    copyFile: two((from, to, [, , mode]) => copySteps(from, to, Number(mode ?? 0))),
    mkdtemp: ([prefix, encoding]) => {
      const text = pathOf(`${String(prefix)}x`);
      return text === null ? null : mkdtempSteps(text.slice(0, -1), String(prefix), encoding);
    },
    readdir: ([path, encoding, withTypes]) => {
      const text = pathOf(path);
      return text === null ? null : listSteps(text, encoding, withTypes);
    },
    writeFileUtf8: ([path, data, flags, mode]) => {
      const text = typeof path === "number" ? null : pathOf(path);
      if (text === null) return null;
      return mapped(openSteps(text, Number(flags), Number(mode)), (fd) => {
        try {
          writeAll(fd, Buffer.from(String(data)));
        } finally {
          close(fd);
        }
        return undefined;
      });
    },
    readFileUtf8: ([path, flags]) => {
      const text = typeof path === "number" ? null : pathOf(path);
      if (text === null) return null;
      return mapped(openSteps(text, Number(flags), 0o666), (fd) => {
        try {
          return native["readFileUtf8"]!(fd, flags);
        } finally {
          close(fd);
        }
      });
    },
  };
}

function* just(request: WireRequest): Steps<undefined> {
  yield request;
  return undefined;
}

function* mapped<From, To>(steps: Steps<From>, map: (value: From) => To): Generator<WireRequest, To, Answer> {
  return map(yield* steps);
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function given(path: unknown): string {
  const text = typeof path === "string" ? path : Buffer.from(path as Uint8Array).toString();
  return text.length > 1 ? text.replace(/\/+$/, "") : text;
}

function wireFlags(linux: number): number {
  // open(2) ignores what it does not know, and O_ASYNC means nothing for a file.
  const flags = fromLinuxFlags(linux & ~(O.async | (O.dsync & ~O.sync)));
  if (flags >= 0) return flags;
  throw new SallyportError("INVALID", "The flags of open have no meaning here");
}

function chown(path: string, uid: unknown, gid: unknown, follow: "follow" | "nofollow"): WireRequest {
  const id = (value: unknown): number => (Number(value) === 0xffff_ffff ? -1 : Number(value));
  return { op: "chown", path, uid: id(uid), gid: id(gid), follow };
}

/** Node has seconds with a fraction. */
function utimens(
  path: string,
  accessed: unknown,
  modified: unknown,
  follow: "follow" | "nofollow",
): WireRequest {
  const nanoseconds = (seconds: unknown): bigint => BigInt(Math.round(Number(seconds) * 1e6)) * 1_000n;
  return { op: "utimens", path, accessed: nanoseconds(accessed), modified: nanoseconds(modified), follow };
}

function encodeName(name: string, encoding: unknown): string | Buffer {
  if (encoding === undefined || encoding === "utf8" || encoding === "utf-8") return name;
  const bytes = Buffer.from(name);
  return encoding === "buffer" ? bytes : bytes.toString(encoding as BufferEncoding);
}

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return [...bytes].map((byte) => NAME_CHARACTERS[byte % NAME_CHARACTERS.length]).join("");
}

function errnoOf(error: unknown): string {
  return error instanceof SallyportError ? error.errno : "";
}
