import { joinPath } from "../policy/path.ts";
import { SallyportError } from "../protocol/errors.ts";
import { isCleanPath } from "../protocol/path.ts";
import { isWhiteout, type OverlayMarks, overlayMarks } from "./overlay_marks.ts";
import { factsAt, namesIn, type ObjectFacts, sameContent } from "./stage_object.ts";
import { checkSameWorkspace, type Stage, type StageProgress } from "./stage_place.ts";

/** One way in which the two sides differ. */
export type Difference = "content" | "kind" | "mode" | "owner" | "times" | "attributes";

/** What a staged run made of one name of its workspace. */
export type Change = {
  /** Relative to the workspace, "" for itself; a name that is no UTF-8 ends in "\ufffd". */
  readonly path: string;
  readonly what: "created" | "modified" | "metadata" | "replaced" | "deleted";
  /** On the host; null: nothing there. */
  readonly was: ObjectFacts | null;
  /** In the stage; null: deleted. */
  readonly is: ObjectFacts | null;
  readonly differs: readonly Difference[];
  /** What somebody else did to the same name since the run began, in words; "" for nothing. */
  readonly conflict: string;
};

/**
 * Compares the layer of a stage with the host, in the order of the names, a directory before what is in it. What is the same on
 * both sides by now is no change. Nothing may write to the layer meanwhile. Throws NOT_FOUND when the workspace is not the one of the run.
 */
export function* changesOf(stage: Stage, progress: StageProgress): Generator<Change> {
  checkSameWorkspace(stage);
  const comparison = new Comparison(stage, progress);
  yield* comparison.root();
  yield* comparison.below("");
}

class Comparison {
  readonly #stage: Stage;
  readonly #progress: StageProgress;
  readonly #beganNs: bigint;
  readonly #marks: OverlayMarks;

  constructor(stage: Stage, progress: StageProgress) {
    this.#stage = stage;
    this.#progress = progress;
    this.#beganNs = BigInt(stage.facts.beganNs);
    this.#marks = overlayMarks(stage.marks);
  }

  /** The workspace itself: it may have got another mode. */
  *root(): Generator<Change> {
    const was = factsAt(this.#host(""));
    const is = factsAt(this.#staged(""));
    if (was === null || is === null || this.#progress.done.has("")) return;
    const change = this.#changeOf("", was, this.#marks.without(is), false);
    if (change !== null) yield change;
  }

  /** Everything below a directory of the layer. */
  *below(directory: string, isOpaque = false): Generator<Change> {
    const staged = namesIn(this.#staged(directory));
    const names = new Set(staged);
    for (const name of staged) {
      if (name === null) yield unreadable(at(directory, "\ufffd"), "its name is no UTF-8");
      else yield* this.#compareWhatCanBeRead(at(directory, name));
    }
    if (!isOpaque || this.#progress.made.has(directory)) return;
    // An opaque directory took the place of one that was removed.
    for (const name of factsAt(this.#host(directory))?.kind === "directory"
      ? namesIn(this.#host(directory))
      : []) {
      if (name !== null && !names.has(name)) yield* this.#deleted(at(directory, name));
    }
  }

  *#compareWhatCanBeRead(path: string): Generator<Change> {
    try {
      yield* this.#compare(path);
    } catch (error) {
      if (!(error instanceof SallyportError && error.code === "SYSTEM")) throw error;
      yield unreadable(path, error.message);
    }
  }

  *#compare(path: string): Generator<Change> {
    if (!isCleanPath(this.#host(path)) || !isCleanPath(this.#staged(path))) {
      yield unreadable(path, "its path is too long");
      return;
    }
    const marked = factsAt(this.#staged(path));
    if (marked === null) return;
    if (isWhiteout(marked)) {
      yield* this.#deleted(path);
      return;
    }
    const is = this.#marks.without(marked);
    const was = factsAt(this.#host(path));
    const change = this.#changeOf(path, was, is, this.#marks.isCopy(marked));
    if (change !== null && !this.#progress.done.has(path)) yield change;
    if (is.kind !== "directory") return;
    yield* this.below(path, this.#marks.isOpaque(marked));
  }

  #changeOf(path: string, was: ObjectFacts | null, is: ObjectFacts, isCopy: boolean): Change | null {
    if (was === null) {
      const conflict = isCopy && !this.#progress.made.has(path) ? "removed meanwhile" : "";
      return { path, what: "created", was, is, differs: ["kind"], conflict };
    }
    const differs = this.#differences(path, was, is);
    if (differs.length === 0) return null;
    const what = differs.includes("kind")
      ? "replaced"
      : differs.includes("content")
        ? "modified"
        : "metadata";
    const conflict =
      was.kind === "directory" && what === "replaced" ? this.#touchedBelow(path) : this.#touched(path, was);
    return { path, what, was, is, differs, conflict };
  }

  *#deleted(path: string): Generator<Change> {
    const was = factsAt(this.#host(path));
    if (was === null || this.#progress.done.has(path)) return;
    const conflict = was.kind === "directory" ? this.#touchedBelow(path) : this.#touched(path, was);
    yield { path, what: "deleted", was, is: null, differs: ["kind"], conflict };
  }

  /** The kernel stamps the change time for content, mode, owner, links and names alike, and nobody can set it back. */
  #touched(path: string, { changedNs }: ObjectFacts): string {
    return changedNs >= this.#beganNs && !this.#progress.made.has(path) ? "changed meanwhile" : "";
  }

  /** Of a tree that is to go: any change in it counts. */
  #touchedBelow(path: string): string {
    const found = factsAt(this.#host(path));
    if (found === null) return "";
    if (this.#touched(path, found) !== "") return "changed meanwhile";
    if (found.kind !== "directory") return "";
    for (const name of namesIn(this.#host(path))) {
      if (name === null) return `it holds a name that is no UTF-8`;
      const conflict = this.#touchedBelow(at(path, name));
      if (conflict !== "") return conflict;
    }
    return "";
  }

  #differences(path: string, was: ObjectFacts, is: ObjectFacts): Difference[] {
    if (was.kind !== is.kind) return ["kind"];
    const differs: Difference[] = [];
    if (!this.#sameContent(path, was, is)) differs.push("content");
    // A link has no mode of its own.
    if (is.kind !== "symlink" && was.mode !== is.mode) differs.push("mode");
    if (was.uid !== is.uid || was.gid !== is.gid) differs.push("owner");
    // A directory has new times by everything that happens in it.
    if (is.kind !== "directory" && was.modifiedNs !== is.modifiedNs) differs.push("times");
    if (!sameAttributes(carriedAttributes(was), carriedAttributes(is))) differs.push("attributes");
    return differs;
  }

  #sameContent(path: string, was: ObjectFacts, is: ObjectFacts): boolean {
    if (is.kind === "symlink") return was.target === is.target;
    if (is.kind !== "file") return true;
    return was.sizeBytes === is.sizeBytes && sameContent(this.#host(path), this.#staged(path));
  }

  #host(path: string): string {
    return path === "" ? this.#stage.facts.workspace : joinPath(this.#stage.facts.workspace, path);
  }

  #staged(path: string): string {
    return path === "" ? this.#stage.upper : joinPath(this.#stage.upper, path);
  }
}

const ACL: ReadonlySet<string> = new Set(["system.posix_acl_access", "system.posix_acl_default"]);

/**
 * The attributes that a commit carries over: those of the name space `user`, which a run may set, and ACLs, which it may not: they
 * come from the host, by copying up or from the default of a directory.
 */
export function carriedAttributes({ attributes }: ObjectFacts): Map<string, Uint8Array> {
  return new Map([...attributes].filter(([name]) => name.startsWith("user.") || isAcl(name)));
}

export function isAcl(attribute: string): boolean {
  return ACL.has(attribute);
}

function at(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function unreadable(path: string, conflict: string): Change {
  return { path, what: "created", was: null, is: null, differs: [], conflict };
}

function sameAttributes(one: Map<string, Uint8Array>, two: Map<string, Uint8Array>): boolean {
  if (one.size !== two.size) return false;
  for (const [name, value] of one)
    if (Buffer.compare(value, two.get(name) ?? new Uint8Array(1)) !== 0) return false;
  return true;
}
