/** What makes a run weaker than it looks, and what can not work on it. */
import { type Fields, isFields } from "../profile_fields.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { nearest, suggest } from "./nearest.ts";
import { listAt, textsAt, valueAt } from "./values.ts";

export type KnownNames = {
  readonly syscallSets: readonly string[];
  readonly capabilities: readonly string[];
};

export function lintStrength(value: Fields, names: KnownNames, found: Findings): void {
  lintWeak(value, names, found);
  lintExecution(value, found);
  lintCapabilities(value, names, found);
  for (const use of ["sign", "login"] as const)
    for (const { text, at } of textsAt(value, "sshKeys", use)) lintKey(text, at, found);
  const both = textsAt(value, "sshKeys", "login").find(({ text }) =>
    listAt(value, "sshKeys", "sign").includes(text),
  );
  if (both !== undefined)
    found.warn(
      "ssh.both",
      both.at,
      "is granted to sign too, which login holds already",
      "take it out of sign",
    );
  for (const [index, rule] of listAt(value, "rules").entries())
    if (isFields(rule)) lintProgramRule(rule, ["rules", index], value, found);
}

function lintWeak(value: Fields, { syscallSets }: KnownNames, found: Findings): void {
  if (value["enforcement"] === "best-effort")
    found.warn(
      "weak.best-effort",
      ["enforcement"],
      "starts the program even where the kernel lacks a layer",
      "write hard, and --enforcement best-effort on the machine that needs it",
    );
  if (value["mediation"] === "kernel")
    found.warn(
      "weak.kernel",
      ["mediation"],
      "asks the broker nothing: deny rules by name do not hold, and nothing is recorded",
      "write writes",
    );
  if (value["reads"] === "native")
    found.warn(
      "weak.native-reads",
      ["reads"],
      "lets be read what deny rules name, wherever it lies in a granted tree",
      "write auto",
    );
  if (value["memfd"] === "any")
    found.warn("weak.memfd", ["memfd"], "lets programs run that never were a file", "write noexec");
  if (value["undo"] === "off")
    found.warn("weak.undo", ["undo"], "what a run destroys can not be put back", "write journaled");
  const { syscalls } = value;
  if (typeof syscalls === "string" && !syscallSets.includes(syscalls))
    found.error(
      "syscalls.unknown",
      ["syscalls"],
      `"${syscalls}" is no set of system calls`,
      suggest(syscalls, syscallSets),
    );
  else if (Array.isArray(syscalls))
    found.error(
      "syscalls.list",
      ["syscalls"],
      "is a list, and sets are chosen by name",
      "write syscalls: base",
    );
}

function lintExecution(value: Fields, found: Findings): void {
  const programs = valueAt(value, ["execution", "programs"]);
  const at = ["execution", "programs"];
  const executing = listAt(value, "rules").filter(
    (rule) =>
      isFields(rule) &&
      rule["effect"] === "allow" &&
      Array.isArray(rule["rights"]) &&
      rule["rights"].length === 1 &&
      rule["rights"][0] === "execute",
  );
  if (programs === "listed" && executing.length === 0)
    found.warn(
      "execution.nothing-listed",
      at,
      "is listed, and no rule with the right execute alone lists one",
      "write a rule with rights: [execute] that names programs",
    );
  const isOn = programs === "listed" || valueAt(value, ["execution", "interpreters"]) === "refused";
  if (isOn && value["memfd"] === "any")
    found.error(
      "execution.memfd",
      ["memfd"],
      "is any, which runs what never was a file, and programs are told apart",
      "write noexec",
    );
  if (isOn && value["reads"] === "native")
    found.warn(
      "execution.loader",
      ["reads"],
      "is native, and the dynamic loader then runs any file that it can read",
      "write auto",
    );
  if (valueAt(value, ["execution", "watch"]) === "required")
    found.warn(
      "execution.needs-root",
      ["execution", "watch"],
      "is required, which only root has: others can not start a run",
      "write where-possible",
    );
}

const INTERPRETERS = /\/(?:(?:ba|da|z|fi|k)?sh|python[\d.]*|node|perl|ruby|php|lua|awk|gawk|env|busybox)$/;
const SETUID = /\/(?:sudo|su|pkexec|doas|passwd|mount|umount|newgrp|chsh|ping)$/;

function lintProgramRule(rule: Fields, at: Path, value: Fields, found: Findings): void {
  for (const { text: digest, at: here } of textsAt({ sha256: rule["sha256"] }, "sha256").map((one) => ({
    ...one,
    at: [...at, ...one.at],
  }))) {
    if (/^[0-9a-f]{64}$/.test(digest)) continue;
    if (/^sha(?:256|512)[:-]/i.test(digest))
      found.error(
        "digest.prefix",
        here,
        "has the name of its algorithm in front",
        "write the 64 digits alone",
      );
    else if (/^[0-9a-fA-F]{64}$/.test(digest))
      found.error(
        "digest.capitals",
        here,
        "has capital letters",
        `write ${digest.toLowerCase().slice(0, 8)}… in lower case`,
      );
    else if (/^[0-9a-f]{32}$|^[0-9a-f]{40}$/i.test(digest))
      found.error(
        "digest.short",
        here,
        `has ${digest.length} digits, as ${digest.length === 32 ? "MD5" : "SHA-1"} has`,
        "write what sha256sum prints",
      );
    else if (/^[A-Za-z0-9+/]{43}=$/.test(digest))
      found.error("digest.base64", here, "is in base64", "write it in hexadecimal, as sha256sum prints it");
    else
      found.error(
        "digest.form",
        here,
        `${show(digest)} is no digest`,
        "write the 64 digits that sha256sum prints",
      );
  }
  if (rule["effect"] !== "allow" || !listIncludes(rule["rights"], "execute")) return;
  const alone = Array.isArray(rule["rights"]) && rule["rights"].length === 1;
  for (const { text, at: here } of textsAt({ paths: rule["paths"] }, "paths").map((one) => ({
    ...one,
    at: [...at, ...one.at],
  }))) {
    if (valueAt(value, ["execution", "interpreters"]) === "refused" && INTERPRETERS.test(text))
      found.error(
        "execution.interpreter",
        here,
        `"${text}" is an interpreter, and execution.interpreters is refused`,
        "take one of the two out",
      );
    else if (SETUID.test(text))
      found.warn(
        "execution.setuid",
        here,
        `"${text}" gains nothing in a run, which never gets more authority`,
        "take it out",
      );
    else if (/^(?:\/tmp|\/var\/tmp|\/dev\/shm|\$\{tmp\})(?:\/|$)/.test(text))
      found.warn(
        "execution.temporary",
        here,
        `"${text}": what is executed there was written a moment ago`,
        "name a directory that the run can not write",
      );
    else if (alone && /^\/usr\/bin\/env$/.test(text))
      found.warn(
        "execution.env",
        here,
        `"${text}" starts any other program by name`,
        "name the program itself",
      );
  }
  if ((rule["sha256"] !== undefined || rule["owner"] !== undefined) && !alone)
    found.error(
      "execution.mixed",
      [...at, "rights"],
      "has other rights beside execute, and sha256 and owner are looked at on execution alone",
      "write rights: [execute]",
    );
  if (listIncludes(rule["owner"], "nobody") || listIncludes(rule["owner"], 65534))
    found.warn(
      "execution.nobody",
      [...at, "owner"],
      "is nobody, who owns what has no owner here",
      "name the user",
    );
}

const DANGEROUS_CAPABILITIES: Readonly<Record<string, string>> = {
  CAP_SYS_ADMIN: "mounts, and nearly everything else that root does",
  CAP_SYS_PTRACE: "reads the memory of every process",
  CAP_SYS_MODULE: "loads code into the kernel",
  CAP_SYS_RAWIO: "writes disks below all permissions",
  CAP_DAC_OVERRIDE: "writes every file, whatever its mode",
  CAP_DAC_READ_SEARCH: "reads every file, whatever its mode",
  CAP_SETUID: "becomes any user",
  CAP_SETGID: "enters any group",
  CAP_NET_ADMIN: "changes the network of this machine",
  CAP_BPF: "loads programs into the kernel",
  CAP_MKNOD: "makes devices",
  CAP_CHOWN: "takes any file over",
  CAP_SYS_BOOT: "restarts this machine",
};

function lintCapabilities(value: Fields, { capabilities }: KnownNames, found: Findings): void {
  for (const { text, at } of textsAt(value, "linuxCapabilities")) {
    if (/^(?:cap_)?all$/i.test(text))
      found.error("capability.all", at, "would be all of them", "name the one, or none");
    else if (/^[+-]/.test(text))
      found.error(
        "capability.sign",
        at,
        `"${text}" has a sign in front`,
        "name those that are kept; all others are dropped",
      );
    else if (
      !text.startsWith("CAP_") &&
      capabilities.includes(`CAP_${text.toUpperCase().replace(/^CAP_/, "")}`)
    )
      found.error(
        "capability.prefix",
        at,
        `"${text}" is written in another way here`,
        `write CAP_${text.toUpperCase().replace(/^CAP_/, "")}`,
      );
    else if (!capabilities.includes(text))
      found.error(
        "capability.unknown",
        at,
        `"${text}" is no capability of Linux`,
        nearest(text, capabilities) === null
          ? "see capabilities(7)"
          : `did you mean ${nearest(text, capabilities)}?`,
      );
    else if (DANGEROUS_CAPABILITIES[text] !== undefined)
      found.warn(
        text === "CAP_SYS_ADMIN" ? "capability.administration" : "capability.dangerous",
        at,
        `"${text}" ${DANGEROUS_CAPABILITIES[text]}`,
        "let a program outside of the run do it",
      );
  }
}

function lintKey(text: string, at: Path, found: Findings): void {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return;
  if (/^(?:ssh-|ecdsa-|sk-)\S+\s+AAAA/.test(text))
    found.error(
      "ssh.public-key",
      at,
      "is the public key itself",
      "write its fingerprint, as ssh-add -l shows it",
    );
  else if (/^(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2}$/i.test(text))
    found.error(
      "ssh.md5",
      at,
      "is a fingerprint in MD5",
      "write the one that starts with SHA256:, as ssh-add -l shows it",
    );
  else if (/[/~]|\.pub$/.test(text))
    found.error(
      "ssh.file",
      at,
      `${show(text)} is the name of a file`,
      "write the fingerprint, as ssh-add -l shows it",
    );
  else if (/^SHA256:.*=+$/.test(text))
    found.error("ssh.padding", at, "ends with =, which ssh-add does not write", "take the = out");
  else if (text.includes("@"))
    found.error(
      "ssh.comment",
      at,
      `${show(text)} is the comment of a key, which anybody can write`,
      "write the fingerprint, as ssh-add -l shows it",
    );
  else
    found.error("ssh.fingerprint", at, `${show(text)} is no fingerprint`, "write it as ssh-add -l shows it");
}

function listIncludes(list: unknown, one: unknown): boolean {
  return Array.isArray(list) && list.includes(one);
}
