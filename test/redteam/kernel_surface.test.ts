import { join } from "node:path";
import { type Attack, attack, type Layer } from "../support/attack.ts";

const surface: readonly (readonly [call: string, layer: Layer, rule: string, mayLack?: string])[] = [
  ["unshare-user", "broker", "namespace.unshare", "user namespaces"],
  ["unshare-mount", "broker", "namespace.unshare", "root"],
  ["clone-user", "broker", "namespace.clone", "user namespaces"],
  ["clone3-user", "filter", "", "user namespaces"],
  ["setns", "broker", "namespace.setns", "root"],
  ["chroot", "broker", "mount", "root"],
  ["mount", "broker", "mount", "root"],
  ["fsopen", "broker", "mount", "root"],
  ["open_tree", "broker", "mount", "root"],
  ["personality", "broker", "process.personality"],
  ["name_to_handle_at", "broker", "handle", "CAP_DAC_READ_SEARCH"],
  ["open_by_handle_at", "broker", "handle", "CAP_DAC_READ_SEARCH"],
  ["bpf", "broker", "kernel.bpf", "CAP_BPF"],
  ["perf_event_open", "broker", "kernel.bpf", "perf events"],
  ["userfaultfd", "broker", "kernel.bpf", "userfaultfd(2)"],
  ["keyctl", "broker", "kernel.keys", "CONFIG_KEYS"],
  ["add_key", "broker", "kernel.keys", "CONFIG_KEYS"],
  ["request_key", "broker", "kernel.keys", "CONFIG_KEYS"],
  ["fanotify_init", "broker", "kernel.fanotify", "CONFIG_FANOTIFY"],
  ["syslog", "broker", "kernel.log", "CAP_SYSLOG"],
  ["memfd_secret", "broker", "kernel.secret-memory", "secretmem.enable"],
  ["modify_ldt", "broker", "kernel.machine", "CONFIG_MODIFY_LDT_SYSCALL"],
  ["iopl", "broker", "kernel.machine", "CAP_SYS_RAWIO"],
  ["vmsplice", "broker", "kernel.splice-pages"],
  ["openat2", "filter", ""],
];

for (const [call, layer, rule, mayLack] of surface) {
  attack({
    name: `${call}`,
    victim: "kernel_surface",
    args: [call],
    layer,
    ...(rule === "" ? {} : { rule: new RegExp(`^${rule.replace(".", "\\.")}$`) }),
    control: "succeeds",
    ...(mayLack === undefined ? {} : { mayLack }),
  });
}

const onFile: NonNullable<Attack["scene"]> = (arena) => ({ args: [join(arena.outside, "file")] });

attack({
  name: "io_uring",
  victim: "io_uring",
  scene: onFile,
  layer: "broker",
  rule: /^kernel\.io-uring$/,
  control: "succeeds",
  mayLack: "io_uring",
});

attack({
  name: "the 32-bit system call entry",
  victim: "int80",
  scene: onFile,
  layer: "kill",
  control: "succeeds",
  mayLack: "IA32 emulation",
});

attack({
  name: "an x32 system call number",
  victim: "x32",
  scene: onFile,
  layer: "kill",
  control: "succeeds",
  mayLack: "the x32 ABI",
});

const withFile =
  (which: string): NonNullable<Attack["scene"]> =>
  (arena) => ({ args: [which, join(arena.outside, "file")] });

for (const [which, rule] of [
  ["socket", "network.unix"],
  ["inet", "network.socket"],
  ["pair", "network.pair"],
  ["openat", "default-deny"],
  ["chmod", "default-deny"],
  ["clone", "namespace.clone"],
  ["personality", "process.personality"],
] as const) {
  attack({
    name: `high bits in the arguments of ${which}`,
    victim: "high_bits",
    scene: withFile(which),
    layer: "broker",
    rule: new RegExp(`^${rule.replace(".", "\\.")}$`),
    control: "succeeds",
    ...(which === "clone" ? { mayLack: "user namespaces" } : {}),
  });
}

attack({
  name: "high bits in the arguments of ioctl TIOCSTI",
  victim: "high_bits",
  args: ["tiocsti"],
  layer: "broker",
  rule: /^terminal\.inject$/,
  control: {
    impossible:
      "it would type into the terminal of this test; test/integration/terminal.test.ts has one of its own",
  },
});

attack({
  name: "a supervisor of the program's own in the broker's place",
  victim: "nested_notify",
  scene: onFile,
  layer: "broker",
  rule: /^default-deny$/,
  control: "succeeds",
});
