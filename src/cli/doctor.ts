import { binding } from "../platform/binding.ts";
import { errnoName } from "../platform/errno.ts";
import { missingAt } from "../platform/landlock.ts";

/** What a missing feature costs, and how to get it. "required": a run in the default mode refuses to start without it. */
const MEANING: Readonly<Record<string, { need: "required" | "optional"; cost: string; mend: string }>> = {
  landlock: {
    need: "required",
    cost: "no floor: nothing can be confined",
    mend: "boot a kernel with CONFIG_SECURITY_LANDLOCK and lsm=landlock",
  },
  "landlock-scope-signal": {
    need: "required",
    cost: "a program could signal the broker",
    mend: "Linux 6.12 or newer",
  },
  "landlock-scope-abstract": {
    need: "required",
    cost: "abstract sockets of the host are in reach",
    mend: "Linux 6.12 or newer",
  },
  "seccomp-filter": {
    need: "required",
    cost: "no system call surface",
    mend: "a kernel with CONFIG_SECCOMP_FILTER",
  },
  "seccomp-notify": {
    need: "required",
    cost: "unmodified programs can not be brokered",
    mend: "Linux 5.9 or newer, and no outer listener",
  },
  "seccomp-addfd-send": {
    need: "required",
    cost: "descriptors can not be handed in atomically",
    mend: "Linux 5.14 or newer",
  },
  "seccomp-wait-killable": {
    need: "required",
    cost: "signals could repeat brokered calls for ever",
    mend: "Linux 5.19 or newer",
  },
  openat2: {
    need: "required",
    cost: "paths can not be opened without following links",
    mend: "Linux 5.6 or newer",
  },
  "network-namespace": {
    need: "optional",
    cost: "no grant of hosts (--net-allow, --listen): such a run is refused",
    mend: "run as root, or allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0)",
  },
  "execution-watch": {
    need: "optional",
    cost: "the broker does not see executions (execution.watch): none is on record, and files are judged at the start alone",
    mend: "run as root, on a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS",
  },
  "pidfd-thread": { need: "required", cost: "threads can not be named safely", mend: "Linux 6.9 or newer" },
  "overlay-stage": {
    need: "optional",
    cost: "no run --stage",
    mend: "run as root, or let users make namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0",
  },
  libseccomp: {
    need: "required",
    cost: "filters can not be compiled",
    mend: "install libseccomp2 (libseccomp.so.2)",
  },
};

/** What no run hides, on any machine: there is no process namespace of its own around it. */
const VISIBLE = [
  "command lines, names and states of other processes, in /proc",
  "names, sizes, times and owners of files, by stat(2)",
];

/** `sallyport doctor`: tries each feature by doing it. Exit 1 when a required one is missing. */
export function doctor(flags: { readonly json?: boolean }): void {
  const rows = binding
    .probe()
    .map((probe) => ({ ...probe, ...(MEANING[probe.name] ?? { need: "optional", cost: "", mend: "" }) }));
  const abi = binding.landlockAbi();
  const ready = rows.every((row) => row.outcome === "works" || row.need === "optional");
  if (flags.json) {
    console.log(
      JSON.stringify({ ready, landlockAbi: abi, missing: missingAt(abi), visible: VISIBLE, probes: rows }),
    );
  } else {
    for (const row of rows) {
      const sign = row.outcome === "works" ? "works  " : row.need === "required" ? "MISSING" : "absent ";
      const value = row.value >= 0 ? ` ${row.value}` : "";
      const why =
        row.outcome === "works"
          ? ""
          : ` — ${row.syscall}: ${errnoName(row.errno)}${row.cost ? `; ${row.cost}; ${row.mend}` : ""}`;
      console.log(`${sign} ${row.name}${value}${why}`);
    }
    for (const what of VISIBLE) console.log(`visible ${what}: no run hides them`);
    console.log(ready ? "sallyport can run here" : "sallyport can not run here in full");
  }
  process.exitCode = ready ? 0 : 1;
}
