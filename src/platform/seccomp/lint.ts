import type { Problem } from "../../policy/problem.ts";
import { effectiveRules, type FilterOptions, type FilterSpec } from "./spec.ts";
import { SYSCALL_NAMES, SYSCALLS } from "./syscalls.ts";

/** Every way a filter is compiled. */
export const ALL_OPTIONS: readonly FilterOptions[] = (["kernel", "writes", "strict"] as const).flatMap(
  (mediation) =>
    (["noexec", "any"] as const).flatMap((memfd) =>
      (["refused", "brokered"] as const).flatMap((unix) =>
        (["refused", "namespace"] as const).map((inet) => ({ mediation, memfd, unix, inet })),
      ),
    ),
);

/** Reach outside the sandbox past Landlock and the broker: never in an allow list without a rule that comes first. */
const DANGEROUS = numbers(`
  ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd setns unshare mount umount2 move_mount open_tree
  open_tree_attr fsopen fsconfig fsmount fspick mount_setattr pivot_root chroot open_by_handle_at name_to_handle_at
  io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd add_key request_key keyctl init_module
  finit_module delete_module kexec_load kexec_file_load syslog memfd_secret fanotify_init iopl ioperm modify_ldt reboot
  swapon swapoff acct sethostname setdomainname quotactl quotactl_fd settimeofday clock_settime adjtimex clock_adjtime
  personality socket socketpair connect listen accept accept4 shmget shmat mq_open file_setattr setxattrat removexattrat
  clone3 openat2 prlimit64`);

/** Nothing may take their place, not even under a condition: an effect without a decision would follow. */
const NEVER_ALLOWED = numbers("io_uring_setup io_uring_enter io_uring_register clone3 openat2");

/** A supervisor that holds these livelocks signal handlers and pipelines, or waits for itself. */
const NEVER_HELD = numbers(`
  read write close fork vfork futex exit exit_group mmap munmap mprotect brk rt_sigaction rt_sigprocmask rt_sigreturn kill
  tkill tgkill execve execveat wait4 waitid seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
  restart_syscall`);
/** These only under a condition. */
const NEVER_HELD_WHOLE = numbers("clone sendmsg sendto ioctl prctl fcntl");

/** What the broker knows how to perform. */
const BROKERED = numbers(`
  open openat creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat unlink unlinkat rmdir rename renameat renameat2
  truncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat setxattr lsetxattr
  fsetxattr removexattr lremovexattr fremovexattr connect bind listen`);

/** Says what is unwise in a spec; nothing is what a build accepts. `field` names the rule, or the system call. */
export function lintFilterSpec(spec: FilterSpec): Problem[] {
  return [...lintRules(spec), ...lintConditions(spec), ...lintCoverage(spec), ...lintReach(spec)];
}

function lintRules({ rules }: FilterSpec): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const { id, numbers: all, action, alternatives, reason } of rules) {
    const report = (problem: string, remedy: string) => problems.push({ field: id, problem, remedy });
    if (seen.has(id)) report("is there twice", "give each rule an id of its own: records name it");
    seen.add(id);
    if (reason.trim() === "" && (action.kind !== "allow" || all.some((nr) => DANGEROUS.has(nr)))) {
      report("has no reason", "say what goes wrong without it");
    }
    for (const nr of all) {
      const held = action.kind === "trap" || action.kind === "refuse";
      if (held && (NEVER_HELD.has(nr) || (NEVER_HELD_WHOLE.has(nr) && alternatives.length === 0))) {
        report(
          `holds ${name(nr)}(2)`,
          "let the kernel answer: pipelines and signal handlers hang behind a supervisor",
        );
      }
      if (action.kind === "trap" && !BROKERED.has(nr))
        report(`traps ${name(nr)}(2)`, "refuse it: the broker cannot perform it");
      if (action.kind === "allow" && NEVER_ALLOWED.has(nr)) report(`allows ${name(nr)}(2)`, "refuse it");
    }
  }
  return problems;
}

/** For specs that were not read from a file: the reader refuses these already. */
function lintConditions({ rules }: FilterSpec): Problem[] {
  return rules.flatMap(({ id, numbers: all, alternatives }) => {
    const problems: Problem[] = [];
    const word = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
    if (
      alternatives
        .flat()
        .some(({ mask, value }) => !word(mask) || mask === 0 || !word(value) || (value & ~mask) !== 0)
    ) {
      problems.push({
        field: id,
        problem: "compares more than its mask",
        remedy: "mask an int argument with 0xffffffff or less",
      });
    }
    if (all.some((nr) => !SYSCALL_NAMES.has(nr))) {
      problems.push({
        field: id,
        problem: "names a number of another ABI",
        remedy: "name x86_64 system calls only",
      });
    }
    return problems;
  });
}

/** Every known number has one answer, and no answer is there in vain. */
function lintCoverage(spec: FilterSpec): Problem[] {
  const problems: Problem[] = [];
  const variants = ALL_OPTIONS.map((options) => effectiveRules(spec, options));
  for (const [nr, field] of SYSCALL_NAMES) {
    const final = variants.map((rules) =>
      (rules.get(nr) ?? []).findIndex((rule) => rule.alternatives.length === 0),
    );
    const allowed = spec.allowed.has(nr);
    if (!allowed && final.includes(-1)) {
      problems.push({
        field,
        problem: "has no answer",
        remedy: "name it under allow, or end with a rule without conditions",
      });
    }
    if (allowed && !final.includes(-1)) {
      problems.push({ field, problem: "is allowed and refused", remedy: "take one of the two out" });
    }
    for (const [index, rules] of variants.entries()) {
      const dead = final[index] === -1 ? undefined : rules.get(nr)?.[final[index]! + 1];
      if (dead === undefined) continue;
      problems.push({
        field: dead.id,
        problem: `never decides ${field}(2)`,
        remedy: "move it before the rule without conditions",
      });
      break;
    }
  }
  return problems;
}

function lintReach(spec: FilterSpec): Problem[] {
  return [...DANGEROUS].flatMap((nr) => {
    if (!spec.allowed.has(nr)) return [];
    return [
      {
        field: name(nr),
        problem: "is dangerous and allowed",
        remedy: "refuse it, or allow one form of it by a rule with a reason",
      },
    ];
  });
}

function name(nr: number): string {
  return SYSCALL_NAMES.get(nr) ?? `${nr}`;
}

function numbers(text: string): ReadonlySet<number> {
  return new Set(
    text
      .trim()
      .split(/\s+/)
      .map((word) => {
        const nr = SYSCALLS.get(word);
        if (nr === undefined) throw new RangeError(`Unknown system call "${word}"`);
        return nr;
      }),
  );
}
