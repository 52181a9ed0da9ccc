/** Fields that other tools have, and what a profile says in their place. */
export type Foreign = {
  readonly rule: string;
  readonly names: readonly string[];
  readonly problem: string;
  readonly mend: string;
};

export const FOREIGN_FIELDS: readonly Foreign[] = [
  foreign(
    "field.inheritance",
    ["inherits", "inherit", "include", "includes", "import", "imports", "parent", "base", "from"],
    "inheritance has another name here",
    'write extends: [":workspace"]',
  ),
  foreign(
    "field.environment",
    ["env", "environ", "envVars", "setenv", "passenv"],
    "variables have another place here",
    "write environment: { allow: [NAME], set: { NAME: value } }",
  ),
  foreign(
    "field.effect-lists",
    [
      "allow",
      "deny",
      "allowlist",
      "denylist",
      "whitelist",
      "blacklist",
      "allowWrite",
      "denyWrite",
      "allowRead",
      "denyRead",
    ],
    "there are no lists of what is allowed and what denied",
    "write a rule with effect: allow or deny, rights and paths",
  ),
  foreign(
    "field.permissions",
    ["permissions", "grants", "policies", "policy", "statements", "Statement", "acl", "access"],
    "what is granted has another name here",
    "write rules: with id, effect, rights, paths and reason",
  ),
  foreign(
    "field.mounts",
    ["volumes", "mounts", "binds", "bind", "mount"],
    "nothing is mounted: the program sees the host's own files, as far as rules grant them",
    "grant the path under native.read, or by a rule",
  ),
  foreign(
    "field.ports",
    ["ports", "expose", "publish"],
    "ports are opened elsewhere",
    "write network: { listen: [8080] }",
  ),
  foreign(
    "field.hosts",
    ["hosts", "domains", "allowedHosts", "allowedDomains", "allowNet", "internet", "egress"],
    "hosts are granted elsewhere",
    "write network: { allow: [registry.example.org] }",
  ),
  foreign(
    "field.timeout",
    ["timeout", "timeoutMs", "deadline", "maxDuration", "ttl"],
    "a profile has no time limit",
    "say it when you start: sallyport run --timeout 5m",
  ),
  foreign(
    "field.expiry",
    ["expires", "expiresAt", "expiry", "validUntil", "notAfter"],
    "a profile does not end by itself",
    "hand out a token that expires, or --timeout for one run",
  ),
  foreign(
    "field.user",
    ["user", "uid", "runAs", "runAsUser", "group", "gid"],
    "a profile changes no user",
    "say it when you start: sallyport run --user NAME (as root)",
  ),
  foreign(
    "field.image",
    ["image", "dockerfile", "build", "container", "rootfs", "chroot"],
    "there is no image: the program runs on this machine's own files",
    "take it out",
  ),
  foreign(
    "field.command",
    ["command", "cmd", "entrypoint", "args", "argv", "exec", "script"],
    "a profile names no command",
    "say it when you start: sallyport run -p FILE -- COMMAND",
  ),
  foreign(
    "field.workspace",
    ["workspace", "workdir", "workingDir", "cwd", "directory", "root"],
    "the workspace is the directory where the run is started",
    "start the run there",
  ),
  foreign(
    "field.memory",
    ["memory", "mem", "memoryLimit", "maxMemory"],
    "memory is limited elsewhere",
    "write rlimits: { as: BYTES }",
  ),
  foreign(
    "field.processor",
    ["cpus", "cpuLimit", "maxCpu"],
    "processor time is limited elsewhere",
    "write rlimits: { cpu: SECONDS }",
  ),
  foreign(
    "field.linux-capabilities",
    ["capabilities", "caps", "capAdd", "cap_add", "capDrop", "cap_drop"],
    "Linux capabilities have another name here, and none is kept unless named",
    "write linuxCapabilities: [CAP_NET_RAW], or nothing",
  ),
  foreign(
    "field.seccomp",
    ["seccomp", "seccompProfile", "securityOpt", "security_opt", "apparmor", "selinux"],
    "the system calls are chosen by name",
    "write syscalls: base",
  ),
  foreign(
    "field.kubernetes",
    ["apiVersion", "kind", "metadata", "spec"],
    "it is a field of a Kubernetes object",
    "write name, version and description at the top",
  ),
  foreign(
    "field.log",
    ["log", "logging", "audit", "logLevel", "auditLog"],
    "the log can not be chosen: everything is recorded",
    "take it out",
  ),
  foreign(
    "field.mode",
    ["mode", "sandbox", "sandboxMode", "level", "strict"],
    "how much is mediated has another name",
    "write mediation: writes, or mediation: strict",
  ),
  foreign(
    "field.secrets",
    ["secrets", "credentials", "tokens", "apiKeys"],
    "a profile holds no credentials",
    "add them on the way with --credential VARIABLE@HOST=HEADER:FILE",
  ),
  foreign(
    "field.comment",
    ["comment", "comments", "note", "notes", "author", "title", "summary", "label"],
    "notes have another place",
    "write it into description, or behind a #",
  ),
  foreign(
    "field.exceptions",
    ["except", "exclude", "excludes", "ignore", "without_rules", "disable", "disabled"],
    "inherited rules are taken out by name",
    "write without: [RULE-ID]; paths are exempted inside a rule with except",
  ),
];

export const FOREIGN_RULE_FIELDS: readonly Foreign[] = [
  foreign(
    "rule.path-singular",
    [
      "path",
      "file",
      "files",
      "pattern",
      "patterns",
      "glob",
      "globs",
      "resource",
      "resources",
      "target",
      "dir",
      "directory",
    ],
    "what a rule covers is a list with another name",
    'write paths: ["…"]',
  ),
  foreign(
    "rule.action",
    [
      "action",
      "actions",
      "verb",
      "verbs",
      "permission",
      "permissions",
      "operations",
      "ops",
      "op",
      "access",
      "right",
      "mode",
    ],
    "what may be done has another name",
    "write rights: [read, list]",
  ),
  foreign(
    "rule.effect-name",
    ["decision", "verdict", "type", "kind", "policy", "result"],
    "whether it grants has another name",
    "write effect: allow or effect: deny",
  ),
  foreign(
    "rule.exclude",
    ["exclude", "excludes", "unless", "not", "exceptions", "ignore"],
    "what a rule leaves alone has another name",
    'write except: ["…"]',
  ),
  foreign(
    "rule.priority",
    ["priority", "order", "weight", "precedence"],
    "rules have no order: a deny wins wherever both match",
    "take it out, and give the deny an except where it must not hold",
  ),
  foreign(
    "rule.who",
    ["principal", "principals", "user", "users", "subject", "agent", "agents", "role", "roles", "group"],
    "a profile holds for its whole run, whoever acts",
    "give each agent a profile or a token of its own",
  ),
  foreign(
    "rule.when",
    ["when", "condition", "conditions", "if", "where"],
    "a rule has no condition",
    "write a Cedar policy, or name the paths",
  ),
  foreign(
    "rule.name",
    ["name", "title", "description", "comment", "message", "msg"],
    "a rule has an id and a reason",
    "write id: for its name and reason: for its text",
  ),
  foreign(
    "rule.host",
    ["host", "hosts", "domain", "domains", "port", "url"],
    "rules are about paths",
    "write hosts under network.allow",
  ),
  foreign(
    "rule.hash",
    ["hash", "digest", "checksum", "sha512", "md5", "sha1"],
    "programs are known by sha256 alone",
    "write sha256: [DIGEST]",
  ),
  foreign(
    "rule.expiry",
    ["expires", "expiresAt", "until", "ttl", "validUntil"],
    "a rule does not end by itself",
    "hand out a token that expires",
  ),
  foreign(
    "rule.enabled",
    ["enabled", "disabled", "active"],
    "a rule that is written holds",
    "take the rule out, or put # in front of its lines",
  ),
];

/** Sections of fields by their name, to tell a typing mistake from a field in the wrong place. */
export const FIELDS: { readonly [section: string]: readonly string[] } = {
  "": [
    "name",
    "version",
    "description",
    "extends",
    "without",
    "enforcement",
    "landlock",
    "mediation",
    "reads",
    "syscalls",
    "memfd",
    "unixSockets",
    "native",
    "execution",
    "sshKeys",
    "environment",
    "network",
    "linuxCapabilities",
    "limits",
    "rlimits",
    "cedar",
    "undo",
    "undoLimits",
    "fileLimits",
    "rules",
  ],
  landlock: ["minimumAbi"],
  native: ["read", "execute"],
  execution: ["programs", "interpreters", "watch"],
  sshKeys: ["sign", "login"],
  environment: ["allow", "set"],
  network: ["allow", "listen"],
  limits: ["read", "write", "delete", "metadata", "exec", "connect", "transfer"],
  rlimits: ["as", "core", "cpu", "data", "fsize", "memlock", "nofile", "nproc", "stack"],
  undoLimits: ["maxBytes", "maxEntries", "keepDays"],
  fileLimits: ["maxBytes", "maxFiles", "mimeTypes"],
};

export const RULE_FIELDS: readonly string[] = [
  "id",
  "effect",
  "rights",
  "paths",
  "sha256",
  "owner",
  "except",
  "reason",
  "remedy",
];

function foreign(rule: string, names: readonly string[], problem: string, mend: string): Foreign {
  return { rule, names, problem, mend };
}
