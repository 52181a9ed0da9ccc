import type { FloorGrant } from "../../platform/landlock.ts";
import { compilePolicy, decidePath, type Policy } from "../../policy/decide.ts";
import { escapePattern } from "../../policy/pattern.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import {
  compilePrograms,
  judgeProgram,
  LOADER,
  NOT_LISTED,
  type Program,
  type ProgramPolicy,
  type ProgramRefusal,
  type ProgramVerdict,
  tellsApart,
} from "../../policy/programs.ts";
import { RIGHT } from "../../policy/rights.ts";
import type { Rule } from "../../policy/rule.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { SlowPath } from "../cedar/slow_path.ts";
import { holds, type Places, realName } from "../workspace.ts";
import { loaderNamedBy, openedProgram, type ProgramFile } from "./program_file.ts";
import { placesToLook, programPolicy } from "./program_rules.ts";
import { keyOf, keyOfProcess, Survey } from "./survey.ts";

/** Up to this size a program that is seen being executed is hashed for the record; it takes some ten milliseconds, once. */
const MAX_RECORDED_BYTES = 32n << 20n;

const READABLE_BY_ALL = 0o444;

/** What was looked at when a program was judged. */
export type JudgedProgram = {
  readonly verdict: ProgramVerdict;
  /** Owner of the file, or null when there is no such file. */
  readonly owner: number | null;
  /** Where a rule asked for it. */
  readonly sha256: string | null;
};

/**
 * The programs of a run, looked at file by file before it starts: the kernel's rules hold for the objects that were found, under whatever
 * name they are executed. What appears later is not among them.
 */
export class ProgramTable {
  readonly #policy: ProgramPolicy;
  readonly #paths: Policy;
  readonly #trees: readonly string[];
  readonly #toldApart: readonly string[];
  readonly #survey: Survey;
  readonly #granted = new Map<string, ProgramFile>();
  /** Of whatever process has one of these as its program nothing is opened. */
  readonly #loaders: Set<string> = new Set();
  /** Files beside the trees that a rule grants: they may be read, as native.execute would have it. */
  readonly reads: readonly Rule[];

  /** `paths` is the policy of the run, `trees` what it may execute by place, without links. */
  constructor(policy: ProgramPolicy, paths: Policy, trees: readonly string[]) {
    this.#policy = policy;
    this.#paths = paths;
    this.#trees = trees;
    this.#toldApart = trees.filter((tree) => tellsApart(policy, tree));
    const { inTrees, beside } = placesToLook(
      policy,
      this.#toldApart.filter((tree) => !this.#isWritten(tree)),
      trees,
    );
    this.#survey = new Survey([...inTrees, ...beside]);
    if (this.isOn) this.#loaders = new Set(this.#survey.loaders);
    const reads: Rule[] = [];
    for (const file of this.#survey.files) {
      const verdict = this.#judge(file, () => this.#survey.digestOf(file));
      if (policy.execution.programs === "any" && this.#survey.kindOf(file) === "loader")
        this.#addLoader(file.paths[0]!);
      if (verdict.kind === "deny" || !this.#placeAllows(file, verdict)) continue;
      this.#granted.set(keyOf(file), file);
      if (verdict.kind === "allow") reads.push(...file.paths.map((path) => readable(verdict.rule, path)));
      if (policy.execution.programs === "listed") this.#addLoader(loaderNamedBy(file));
    }
    this.reads = reads;
  }

  /** Whether files are told apart at all; else the trees are granted as they are. */
  get isOn(): boolean {
    return this.#toldApart.length > 0;
  }

  /** For the start line and the record. */
  get words(): string {
    if (!this.isOn) return "by place";
    const { programs, interpreters } = this.#policy.execution;
    const what = [
      ...(programs === "listed" ? ["listed"] : []),
      ...(interpreters === "refused" ? ["interpreters refused"] : []),
    ];
    return [`${this.#granted.size} programs`, ...what].join(", ");
  }

  /** `grants` with every tree that is told apart made readable, and the programs in it granted one by one. */
  refine(grants: readonly FloorGrant[]): FloorGrant[] {
    const coarse = grants.map((grant) =>
      grant.access === "execute" && this.#toldApart.includes(realName(grant.path))
        ? { path: grant.path, access: "read" as const }
        : grant,
    );
    const fine = [...this.#granted.values()].map(({ paths, device, inode, changedNs }) => ({
      path: paths[0]!,
      access: "execute" as const,
      object: { device, inode, changedNs },
    }));
    return [...coarse, ...fine];
  }

  /** Decides on the file of this name as it lies there now. `path` has no symbolic links. */
  judge(path: string): JudgedProgram {
    const file = this.#survey.at(path);
    if (file === null) return { verdict: { kind: "by-path" }, owner: null, sha256: null };
    return this.#judgeFile(file, -1);
  }

  /** The same for a file that is held open and about to be executed, and that lay at `path`. */
  judgeOpened(fd: number, path: string): JudgedProgram {
    const found = openedProgram(fd, path);
    if (found === null) return { verdict: { kind: "by-path" }, owner: null, sha256: null };
    const judged = this.#judgeFile(this.#survey.withNames(found), fd);
    if (judged.sha256 !== null || found.sizeBytes > MAX_RECORDED_BYTES) return judged;
    return { ...judged, sha256: this.#survey.digestOf(found, fd) };
  }

  /** Of the content of the file of this name, or of the one that `fd` holds open (-1: none); null where it can not be read. */
  digest(path: string, fd: number): string | null {
    const file = fd < 0 ? this.#survey.at(path) : openedProgram(fd, path);
    return file === null ? null : this.#survey.digestOf(file, fd);
  }

  /** Gives `program` back, or throws SETUP when the run may not execute it. */
  admit(program: string, cedar: Pick<SlowPath, "execute"> | null): string {
    const path = realName(program);
    const { verdict } = this.judge(path);
    const refused =
      verdict.kind === "deny" ? verdict.rule : (cedar?.execute(path, () => this.digest(path, -1)) ?? null);
    if (refused === null) return program;
    const { id, reason, remedy } = refused;
    const message = `Cannot run "${program}": ${reason} (rule ${id})${remedy === "" ? "" : `; ${remedy}`}`;
    throw new SallyportError("SETUP", message, { errno: "EACCES", stage: "exec" });
  }

  /** The rule by which a file of this name is executed, where nothing but its place counts. */
  placeRule(path: string): string {
    return decidePath(this.#paths, path, RIGHT.execute).rule?.id ?? "";
  }

  /** The refusal for a process that is a dynamic loader executed by itself; null for any other. */
  refusalOf(pid: number): ProgramRefusal | null {
    if (this.#loaders.size === 0) return null;
    const key = keyOfProcess(pid);
    return key !== null && this.#loaders.has(key) ? LOADER : null;
  }

  /** Whether this object was granted: nobody of the run may write it, under any name. */
  holds(device: number, inode: number): boolean {
    return this.#granted.has(`${device}:${inode}`);
  }

  #judgeFile(file: ProgramFile, fd: number): JudgedProgram {
    let sha256: string | null = null;
    const verdict = this.#judge(file, () => {
      sha256 = this.#survey.digestOf(file, fd);
      return sha256;
    });
    return { verdict, owner: file.uid, sha256 };
  }

  #judge(
    file: ProgramFile,
    sha256: () => string | null,
    kind: Program["kind"] = this.#survey.kindOf(file),
  ): ProgramVerdict {
    const inTree = this.#treeOf(file);
    const program: Program = {
      paths: file.paths,
      uid: file.uid,
      kind,
      written: file.paths.some((path) => this.#mayWrite(path)) ? "by the run" : "by others",
      sha256,
    };
    return judgeProgram(this.#policy, program, inTree);
  }

  #treeOf(file: ProgramFile): "whole" | "told apart" {
    const inside = (trees: readonly string[]): boolean =>
      trees.some((tree) => file.paths.some((path) => holds(tree, path)));
    return inside(this.#toldApart) || !inside(this.#trees) ? "told apart" : "whole";
  }

  /** A file that no rule of execution grants by itself is executed where its tree is, and where no rule on paths denies it. */
  #placeAllows(file: ProgramFile, verdict: ProgramVerdict): boolean {
    if (verdict.kind === "allow") return true;
    return (
      file.paths.every((path) => {
        const { kind, rule } = decidePath(this.#paths, path, RIGHT.execute);
        return kind === "allow" || rule === null;
      }) && file.paths.some((path) => this.#toldApart.some((tree) => holds(tree, path)))
    );
  }

  /** The kernel executes it with every program that names it. By itself it is kept from opening anything: `refusalOf`. */
  #addLoader(path: string | null): void {
    const loader = this.isOn && path?.startsWith("/") ? this.#survey.at(realName(path)) : null;
    // The kernel hides the program of a process that could not read it: that such a process is a loader would not be seen.
    if (loader === null || (loader.mode & READABLE_BY_ALL) !== READABLE_BY_ALL) return;
    const verdict = this.#judge(loader, () => this.#survey.digestOf(loader), "program");
    if (verdict.kind === "deny" && verdict.rule.id !== NOT_LISTED.id) return;
    this.#granted.set(keyOf(loader), loader);
    this.#loaders.add(keyOf(loader));
  }

  #mayWrite(path: string): boolean {
    return decidePath(this.#paths, path, RIGHT.write).kind === "allow";
  }

  /** What is written by the run as a whole holds nothing to grant. */
  #isWritten(tree: string): boolean {
    return this.#mayWrite(`${tree}/\u0001`);
  }
}

function readable(id: string, path: string): Rule {
  const rights = RIGHT.read | RIGHT.list | RIGHT.stat | RIGHT.execute;
  const reason = "a program that may be executed may be read";
  return { id, effect: "allow", rights, pattern: escapePattern(path), reason };
}

/** For whoever starts nothing. */
export function noPrograms(): ProgramTable {
  const nothing = compilePolicy("", []);
  return new ProgramTable(
    compilePrograms({ programs: "any", interpreters: "allowed", watch: "off" }, []),
    nothing,
    [],
  );
}

/** The table of a run, or of a question about one: `grants` are the trees and files that the kernel is to grant. */
export function programTable(
  profile: ResolvedProfile,
  paths: Policy,
  grants: readonly FloorGrant[],
  places: Places,
): ProgramTable {
  const executable = grants.filter(({ access }) => access === "execute").map(({ path }) => realName(path));
  return new ProgramTable(programPolicy(profile, places), paths, [...new Set(executable)]);
}
