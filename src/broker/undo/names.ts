import { type Displaced, describe, type Entry, outline } from "../../files/undo/entry.ts";
import { type Found, look } from "../../platform/staging.ts";
import type {
  BindUnixRequest,
  LinkRequest,
  MkdirRequest,
  MknodRequest,
  RenameRequest,
  SymlinkRequest,
  UnlinkRequest,
} from "../../protocol/message.ts";
import type { Caller } from "../caller.ts";
import { DONE, type Outcome, outcomeOf } from "../outcome.ts";
import { ownDescriptor } from "../own_process.ts";
import type { Keeper } from "./keeper.ts";

const ENOENT = 2;
const EPERM = 1;
const EXDEV = 18;
const ESTALE = 116;

type Act = () => Outcome;

export function make(
  request: MkdirRequest | MknodRequest | SymlinkRequest | BindUnixRequest,
  keeper: Keeper,
  act: Act,
): Outcome {
  const { path } = request;
  if (look(path) !== -ENOENT) return act();
  keeper.directoryOf(path);
  const kind = kindOf(request);
  const entry = keeper.record({ k: "make", p: path, kind });
  const outcome = act();
  if (outcome.kind === "value") keeper.made(entry, path);
  else keeper.failed(entry);
  return outcome;
}

/** A file that `act` gives its first name. */
export function makeFile(path: string, keeper: Keeper, act: Act): Outcome {
  keeper.directoryOf(path);
  const entry = keeper.record({ k: "make", p: path, kind: "file" });
  const outcome = act();
  if (outcome.kind === "value") keeper.made(entry, path);
  else keeper.failed(entry);
  return outcome;
}

function kindOf(request: MkdirRequest | MknodRequest | SymlinkRequest | BindUnixRequest): Found["kind"] {
  switch (request.op) {
    case "mkdir":
      return "directory";
    case "symlink":
      return "symlink";
    case "bind-unix":
      return "socket";
    case "mknod":
      return request.kind;
  }
}

export function link(request: LinkRequest, caller: Caller, keeper: Keeper, act: Act): Outcome {
  const { from, to } = request;
  if (look(to) !== -ENOENT) return act();
  const isUnnamed = ownDescriptor(from, caller) >= 0;
  const found = isUnnamed ? 0 : look(from);
  if (typeof found === "number" && !isUnnamed) return act();
  if (typeof found === "number") return makeFile(to, keeper, act);
  keeper.directoryOf(to);
  const isOwn = keeper.own.has(found.identity) || !keeper.tracks(from);
  // Whatever is done to it below an untracked name would be done unseen.
  if (!keeper.tracks(to)) return isOwn ? act() : { kind: "failed", errno: EXDEV };
  const entry = isOwn
    ? keeper.record({ k: "make", p: to, kind: found.kind })
    : keeper.record({ k: "link", p: from, to, id: found.identity });
  const outcome = act();
  if (outcome.kind !== "value") keeper.failed(entry);
  else if (isOwn) keeper.made(entry, to);
  return outcome;
}

export function unlink(request: UnlinkRequest, keeper: Keeper, act: Act): Outcome {
  const { path, kind } = request;
  const found = look(path);
  if (typeof found === "number" || (found.kind === "directory") !== (kind === "directory")) return act();
  keeper.directoryOf(path);
  if (kind === "directory") keeper.forgetDirectories();
  if (keeper.own.has(found.identity)) {
    const old: Displaced = { id: found.identity, n: -1, how: "moved", before: outline(found) };
    const entry = keeper.record({ k: "remove", p: path, old });
    const outcome = act();
    if (outcome.kind !== "value") keeper.failed(entry);
    else if (kind === "directory" || found.linkCount === 1) keeper.own.delete(found.identity);
    return outcome;
  }
  const old = keeper.displaced(path, found);
  if (kind === "directory" || old.how === "copied")
    return recorded({ k: "remove", p: path, old }, keeper, act);
  const entry = keeper.record({ k: "remove", p: path, old });
  const moved = keeper.store.moveIn(path, String(old.n), found.inode);
  if (moved === 0) return DONE;
  keeper.failed(entry);
  // Put back by somebody else between the look and the move: as if this request came later.
  if (moved === -ESTALE) return unlink(request, keeper, act);
  if (moved !== -EXDEV) return { kind: "failed", errno: -moved };
  const copy = keeper.copied(path, found, keeper.nextName());
  return recorded({ k: "remove", p: path, old: copy }, keeper, act);
}

export function rename(request: RenameRequest, keeper: Keeper, act: Act): Outcome {
  const { from, to, existing } = request;
  const moving = look(from);
  if (typeof moving === "number") return act();
  const displaced = look(to);
  if (typeof displaced === "number" ? displaced !== -ENOENT : existing === "refuse") return act();
  if (typeof displaced !== "number" && displaced.identity === moving.identity) return act();
  if (!keeper.tracks(from) || !keeper.tracks(to)) return cross(request, moving, displaced, keeper, act);
  keeper.directoryOf(from);
  keeper.directoryOf(to);
  const carries =
    moving.kind === "directory" || (typeof displaced !== "number" && displaced.kind === "directory");
  if (carries) keeper.forgetDirectories();
  if (typeof displaced !== "number" && existing === "exchange")
    return exchange(request, moving, displaced, keeper, act);
  const plain = { k: "rename", p: from, to, id: moving.identity, kind: moving.kind } as const;
  if (typeof displaced === "number") return recorded(plain, keeper, act);
  return replace(request, plain, displaced, keeper, act);
}

/**
 * Between a tree that is kept and one that is not, as between two file systems: files that the run made may pass, anything else
 * has to be copied, which shows what becomes of it.
 */
function cross(
  request: RenameRequest,
  moving: Found,
  displaced: Found | number,
  keeper: Keeper,
  act: Act,
): Outcome {
  const { from, to, existing } = request;
  const leaves = !keeper.tracks(to);
  if (moving.kind === "directory" || existing === "exchange" || (leaves && !keeper.own.has(moving.identity)))
    return { kind: "failed", errno: EXDEV };
  if (leaves) {
    const old: Displaced = { id: moving.identity, n: -1, how: "moved", before: outline(moving) };
    return recorded({ k: "remove", p: from, old }, keeper, act);
  }
  keeper.directoryOf(to);
  keeper.adopt(moving.identity);
  const plain = {
    k: "rename",
    p: from,
    to,
    id: moving.identity,
    kind: moving.kind,
    from: "untracked",
  } as const;
  if (typeof displaced !== "number") return replace(request, plain, displaced, keeper, act);
  return recorded(plain, keeper, act);
}

/** Another file in the place of the one at `path`: the one goes, the other comes. 0 or -errno. */
export function renew(path: string, keeper: Keeper, act: () => number): number {
  const found = look(path);
  if (typeof found === "number") return act();
  const isOwn = keeper.own.has(found.identity);
  const old: Displaced = isOwn
    ? { id: found.identity, n: -1, how: "moved", before: outline(found) }
    : keeper.copied(path, found, keeper.nextName());
  const removal = keeper.record({ k: "remove", p: path, old });
  const entry = keeper.record({ k: "make", p: path, kind: found.kind });
  const result = act();
  if (result === 0) keeper.made(entry, path);
  for (const taken of result === 0 ? [] : [entry, removal]) keeper.failed(taken);
  if (result === 0 && isOwn && found.linkCount === 1) keeper.own.delete(found.identity);
  return result;
}

function exchange(request: RenameRequest, one: Found, two: Found, keeper: Keeper, act: Act): Outcome {
  const { from, to } = request;
  const ids = [one.identity, two.identity] as const;
  return recorded({ k: "exchange", p: from, to, ids, kinds: [one.kind, two.kind] }, keeper, act);
}

type Plain = Omit<Extract<Entry, { k: "rename" }>, "old">;

/** A rename over something: that gets a name in the store first, so that it is never without one. */
function replace(request: RenameRequest, plain: Plain, displaced: Found, keeper: Keeper, act: Act): Outcome {
  const { to } = request;
  if (keeper.own.has(displaced.identity)) {
    const old: Displaced = { id: displaced.identity, n: -1, how: "moved", before: outline(displaced) };
    const outcome = recorded({ ...plain, old }, keeper, act);
    if (outcome.kind === "value" && displaced.linkCount === 1) keeper.own.delete(displaced.identity);
    return outcome;
  }
  // Refused by the kernel, with the errno that it has for each case.
  if ((plain.kind === "directory") !== (displaced.kind === "directory")) return act();
  if (displaced.kind === "directory") {
    const old: Displaced = { id: displaced.identity, n: -1, how: "moved", before: describe(displaced, to) };
    return recorded({ ...plain, old }, keeper, act);
  }
  const old = keeper.displaced(to, displaced);
  if (old.how === "copied") return recorded({ ...plain, old }, keeper, act);
  const entry = keeper.record({ ...plain, old });
  const linked = keeper.store.linkIn(to, String(old.n));
  if (linked < 0) {
    keeper.failed(entry);
    // Somebody else's file (fs.protected_hardlinks), perhaps one that can not be copied either.
    if (linked === -EPERM) return swapAside(request, plain, displaced, keeper);
    return recorded({ ...plain, old: keeper.copied(to, displaced, keeper.nextName()) }, keeper, act);
  }
  const outcome = act();
  if (outcome.kind === "value") return outcome;
  keeper.store.remove(String(old.n));
  keeper.failed(entry);
  return outcome;
}

/**
 * The same for what can get no second name: the two change places, then what was there goes into the store. For a moment it
 * stands under the other name.
 */
function swapAside({ from, to }: RenameRequest, plain: Plain, displaced: Found, keeper: Keeper): Outcome {
  const { platform } = keeper;
  const ids = [plain.id, displaced.identity] as const;
  const kinds = [plain.kind, displaced.kind] as const;
  const act = (): Outcome => outcomeOf(platform.rename(from, to, "exchange"));
  const swapped = recorded({ k: "exchange", p: from, to, ids, kinds }, keeper, act);
  if (swapped.kind !== "value") return swapped;
  const gone = unlink({ op: "unlink", path: from, kind: "file" }, keeper, () =>
    outcomeOf(platform.unlink(from, "file")),
  );
  if (gone.kind !== "value")
    recorded({ k: "exchange", p: from, to, ids: [ids[1], ids[0]], kinds: [kinds[1], kinds[0]] }, keeper, act);
  return gone;
}

/** Acts once it is on record, and takes the record back when nothing came of it. */
function recorded(entry: Entry, keeper: Keeper, act: Act): Outcome {
  const number = keeper.record(entry);
  const outcome = act();
  if (outcome.kind !== "value") keeper.failed(number);
  return outcome;
}
