import { describe, type Image } from "../../files/undo/entry.ts";
import { toLinuxFlags } from "../../platform/open_flags.ts";
import { type Found, look, MAX_PACKED_BYTES, type Packed } from "../../platform/staging.ts";
import { OPEN, type OpenRequest, type TruncateRequest } from "../../protocol/message.ts";
import type { Outcome } from "../outcome.ts";
import type { Keeper } from "./keeper.ts";
import type { Opening } from "./undo.ts";

const ENOENT = 2;
const ENXIO = 6;
const EEXIST = 17;
const ESPIPE = 29;
const ELOOP = 40;
const CHANGES = OPEN.write | OPEN.append | OPEN.truncate;
const NEW = OPEN.create | OPEN.exclusive;

type Late = Outcome | Promise<Outcome>;

/** An open that may change content, or make a file. */
export function open(request: OpenRequest, keeper: Keeper, act: (opening?: Opening) => Late): Late {
  const { path, flags } = request;
  if ((flags & (CHANGES | OPEN.create | OPEN.temporary)) === 0) return act();
  if (flags & OPEN.temporary) {
    const outcome = act();
    if (!(outcome instanceof Promise) && outcome.kind === "descriptor") noteOwn(outcome.fd, keeper);
    return outcome;
  }
  if ((flags & NEW) === NEW) return look(path) === -ENOENT ? make(request, keeper, act) : act();
  if ((flags & (OPEN.write | OPEN.append)) === 0) return withoutWriting(request, keeper, act);
  // Opened first, and changed by nothing: what is held is what is looked at, kept and handed out.
  const held = keeper.platform.open(path, flags & ~(NEW | OPEN.truncate), 0, 0);
  if (held === -ENOENT && (flags & OPEN.create) !== 0) return make(request, keeper, act);
  // A FIFO that nobody has at the other end, and a link: those have more to them than the errno.
  if (held === -ENXIO || held === -ESPIPE || held === -ELOOP) return act();
  if (held < 0) return { kind: "failed", errno: -held };
  try {
    return changing(request, held, keeper, act);
  } catch (error) {
    keeper.platform.close(held);
    throw error;
  }
}

/** The same once it is open. When it throws, `held` is still to be closed. */
function changing(
  request: OpenRequest,
  held: number,
  keeper: Keeper,
  act: (opening?: Opening) => Late,
): Late {
  const { path, flags } = request;
  const found = look(held);
  if (typeof found === "number" || found.kind !== "file") return act(held);
  const isEmptied = (flags & OPEN.truncate) !== 0;
  const hand = (): Late => {
    const failed = isEmptied ? keeper.platform.truncate(held, 0) : 0;
    if (failed === 0) return act(held);
    keeper.platform.close(held);
    return { kind: "failed", errno: -failed };
  };
  if (keeper.own.has(found.identity) || keeper.imaged.has(found.identity)) return hand();
  const waited = keeper.copying.get(found.identity);
  if (waited !== undefined) {
    keeper.platform.close(held);
    return again(waited, () => open(request, keeper, act));
  }
  // A file without content has none to be kept: locks are taken on such.
  if (found.sizeBytes === 0) return change(path, held, found, "empty", keeper, hand);
  if (isEmptied && found.sizeBytes > MAX_PACKED_BYTES) {
    const fresh = swap(path, found, held, flags, keeper);
    if (fresh >= 0) {
      keeper.platform.close(held);
      return { kind: "descriptor", fd: fresh };
    }
  }
  return withImage(path, held, found, keeper, hand, () => keeper.platform.close(held));
}

/** O_CREAT or O_TRUNC without the right to write. */
function withoutWriting(request: OpenRequest, keeper: Keeper, act: (opening?: Opening) => Late): Late {
  const { path, flags } = request;
  const found = look(path);
  if (found === -ENOENT && (flags & OPEN.create) !== 0) return make(request, keeper, act);
  if (typeof found === "number" || found.kind !== "file" || (flags & OPEN.truncate) === 0) return act();
  return cut(path, found, keeper, act);
}

export function truncate(request: TruncateRequest, keeper: Keeper, act: () => Late): Late {
  const { path } = request;
  const found = look(path);
  return typeof found === "number" || found.kind !== "file" ? act() : cut(path, found, keeper, act);
}

function cut(path: string, found: Found, keeper: Keeper, act: () => Late): Late {
  if (keeper.own.has(found.identity) || keeper.imaged.has(found.identity)) return act();
  const waited = keeper.copying.get(found.identity);
  if (waited !== undefined) return again(waited, () => cut(path, found, keeper, act));
  return found.sizeBytes === 0
    ? change(path, path, found, "empty", keeper, act)
    : withImage(path, path, found, keeper, act);
}

function noteOwn(fd: number, keeper: Keeper): void {
  const found = look(fd);
  if (typeof found === "number") return;
  keeper.own.add(found.identity);
  keeper.unnamed.add(found.identity);
}

function make(request: OpenRequest, keeper: Keeper, act: (opening?: Opening) => Late): Late {
  const { path } = request;
  keeper.directoryOf(path);
  const entry = keeper.record({ k: "make", p: path, kind: "file" });
  const outcome = act("new");
  if (outcome instanceof Promise) return outcome;
  if (outcome.kind === "descriptor") {
    keeper.made(entry, outcome.fd);
    return outcome;
  }
  keeper.failed(entry);
  // Somebody else made it meanwhile: as if this request came later.
  const isLate = outcome.kind === "failed" && outcome.errno === EEXIST && (request.flags & NEW) !== NEW;
  return isLate ? open(request, keeper, act) : outcome;
}

async function again(waited: Promise<unknown>, act: () => Late): Promise<Outcome> {
  await waited.catch(() => {});
  return act();
}

/**
 * Replaces the file by an empty twin, which the program gets, and keeps the old one as it is: no byte is copied. Gives a
 * descriptor, or -errno with nothing changed when the file has to be truncated where it is.
 */
function swap(path: string, found: Found, held: number, flags: number, keeper: Keeper): number {
  const { store, platform } = keeper;
  const n = keeper.nextName();
  const name = String(n);
  const fresh = store.replacement(held, toLinuxFlags(flags & ~(NEW | OPEN.truncate)), name);
  if (fresh < 0) return fresh;
  const twin = look(fresh);
  let failed = typeof twin === "number" ? twin : 0;
  if (typeof twin !== "number") {
    keeper.directoryOf(path);
    const old = { id: found.identity, n, how: "moved", before: describe(found, held) } as const;
    let entry: number;
    try {
      entry = keeper.record({ k: "swap", p: path, to: twin.identity, old });
    } catch (error) {
      platform.close(fresh);
      store.remove(name);
      throw error;
    }
    failed = store.exchange(path, name, found.inode);
    if (failed < 0) keeper.failed(entry);
    else keeper.adopt(twin.identity);
  }
  if (failed === 0) return fresh;
  platform.close(fresh);
  store.remove(name);
  return failed;
}

/** Keeps a copy of the content, then acts. `abandon` is called when it does not come to that, and nothing is thrown at once. */
function withImage(
  path: string,
  target: string | number,
  found: Found,
  keeper: Keeper,
  act: () => Late,
  abandon = (): void => {},
): Late {
  const source = keeper.openSource(path, found);
  if (source < 0) return change(path, target, found, "lost", keeper, act);
  const n = keeper.nextName();
  if (keeper.isSmall(found.sizeBytes)) {
    let packed: Packed | undefined;
    try {
      packed = keeper.copyNow(source, n, found.sizeBytes);
    } finally {
      keeper.platform.close(source);
    }
    return change(path, target, found, n, keeper, act, packed);
  }
  const copied = keeper.copySlowly(source, n, found.sizeBytes).finally(() => {
    keeper.copying.delete(found.identity);
    keeper.platform.close(source);
  });
  keeper.copying.set(found.identity, copied);
  return copied
    .then(() => change(path, target, found, n, keeper, act))
    .catch((error: unknown) => {
      abandon();
      throw error;
    });
}

function change(
  path: string,
  target: string | number,
  found: Found,
  n: Image,
  keeper: Keeper,
  act: () => Late,
  packed?: Packed,
): Late {
  // To put it back is to exchange it, which the directory notices.
  keeper.directoryOf(path);
  keeper.record({
    k: "image",
    p: path,
    id: found.identity,
    before: describe(found, target),
    n,
    ...(packed && { packed }),
  });
  keeper.imaged.add(found.identity);
  keeper.described.add(found.identity);
  return act();
}
