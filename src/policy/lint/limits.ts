/** Numbers with units, numbers that contradict each other, and limits that are none. */
import { type Fields, isFields } from "../profile_fields.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { FIELDS } from "./known_fields.ts";
import { nearest, suggest } from "./nearest.ts";
import { textsAt, valueAt } from "./values.ts";

const MIB = 1024 ** 2;
const UNIT: Readonly<Record<string, number>> = {
  k: 1000,
  m: 1000 ** 2,
  g: 1000 ** 3,
  ki: 1024,
  mi: MIB,
  gi: 1024 ** 3,
};

export function lintLimits(value: Fields, found: Findings): void {
  lintClasses(value["limits"], found);
  lintResources(value, found);
  for (const section of ["undoLimits", "fileLimits"]) {
    const inner = value[section];
    if (!isFields(inner)) continue;
    for (const [field, one] of Object.entries(inner))
      if (field !== "mimeTypes") lintNumber(one, [section, field], 1, found);
  }
  lintAbi(valueAt(value, ["landlock", "minimumAbi"]), found);
  lintContradictions(value, found);
  for (const { text, at } of textsAt(value, "fileLimits", "mimeTypes")) lintType(text, at, found);
}

function lintClasses(limits: unknown, found: Findings): void {
  if (!isFields(limits)) return;
  const classes = FIELDS["limits"]!;
  const meant: Readonly<Record<string, string>> = {
    create: "write",
    open: "read",
    unlink: "delete",
    rename: "delete",
    chmod: "metadata",
    execute: "exec",
    network: "connect",
    requests: "connect",
    bandwidth: "transfer",
    bytes: "transfer",
  };
  for (const [name, bucket] of Object.entries(limits)) {
    const at = ["limits", name];
    if (!classes.includes(name)) {
      const near = meant[name] ?? nearest(name, classes);
      found.error(
        meant[name] === undefined ? "limit.class-typing" : "limit.class",
        at,
        "is no class of operations",
        near == null ? `write one of ${classes.join(", ")}` : `did you mean ${near}?`,
        "key",
      );
    } else if (typeof bucket === "number")
      found.error(
        "limit.bare-number",
        at,
        `is ${bucket}`,
        `write { perSecond: ${bucket}, burst: ${bucket * 10} }`,
      );
    else if (typeof bucket === "string")
      found.error("limit.rate-text", at, `is ${show(bucket)}`, "write { perSecond: 10, burst: 100 }");
    else if (isFields(bucket)) lintBucket(bucket, at, found);
  }
}

function lintBucket(bucket: Fields, at: Path, found: Findings): void {
  for (const key of Object.keys(bucket)) {
    const here = [...at, key];
    if (key === "perSecond" || key === "burst") lintNumber(bucket[key], here, 1, found);
    else if (/^per(?:Minute|Hour|Day|Ms)$|^per_/.test(key))
      found.error(
        "limit.period",
        here,
        "limits count by the second",
        "write perSecond, and a burst for what comes at once",
        "key",
      );
    else if (/^(?:max|limit|count|rate|rps|qps|capacity|size|tokens)$/.test(key))
      found.error(
        "limit.bucket-field",
        here,
        "is a word of another limiter",
        key === "capacity" || key === "size" || key === "tokens" ? "write burst" : "write perSecond",
        "key",
      );
  }
  const { perSecond, burst } = bucket;
  if (perSecond !== undefined && burst === undefined)
    found.error("limit.no-burst", at, "has perSecond and no burst", "write how many may come at once");
  if (
    burst !== undefined &&
    perSecond === undefined &&
    !Object.keys(bucket).some((key) => /^per/.test(key) || key === "rate")
  )
    found.error("limit.no-rate", at, "has burst and no perSecond", "write how many come again each second");
  if (isWhole(perSecond) && isWhole(burst) && burst < perSecond)
    found.warn(
      "limit.burst-below",
      [...at, "burst"],
      `is ${burst}, less than one second gives back (${perSecond})`,
      "write at least perSecond",
    );
  if (isWhole(perSecond) && perSecond >= 1_000_000)
    found.warn(
      "limit.no-limit",
      [...at, "perSecond"],
      `is ${perSecond}, which no program reaches`,
      "write what is meant as a limit",
    );
}

function lintNumber(one: unknown, at: Path, least: 0 | 1, found: Findings): void {
  if (isWhole(one) && one >= least) return;
  const field = String(at.at(-1));
  if (one === null)
    found.error("limit.null", at, "has no value", "write a number, or take the field out", "key");
  else if (one === 0)
    found.error(
      "limit.zero",
      at,
      "is 0, which would refuse everything",
      "write a number from 1, or deny it with a rule",
    );
  else if (typeof one === "number" && one < 0)
    found.error(
      "limit.negative",
      at,
      `is ${one}`,
      field === "maxBytes" || field === "maxFiles"
        ? "take the field out for no limit"
        : "write a number from 1",
    );
  else if (typeof one === "number" && !Number.isInteger(one))
    found.error("limit.fraction", at, `is ${one}`, "write a whole number");
  else if (typeof one === "number")
    found.error("limit.huge", at, "is larger than a number holds exactly", "write a smaller one");
  else if (typeof one === "string" && /^\d+$/.test(one))
    found.error("limit.quoted", at, `is the text ${show(one)}`, `write ${one}, without quotes`);
  else if (typeof one === "string" && /^\d{1,3}(?:[_,. ]\d{3})+$/.test(one))
    found.error(
      "limit.separators",
      at,
      `is ${show(one)}, a number with separators`,
      `write ${one.replace(/\D/g, "")}`,
    );
  else if (typeof one === "string" && unitOf(one) !== null)
    found.error("limit.unit", at, `is ${show(one)}, with a unit`, `write ${unitOf(one)}: bytes`);
  else if (typeof one === "string" && /^\d+\s*(?:s|ms|m|h|d|days?|hours?|min)$/i.test(one))
    found.error(
      "limit.time-unit",
      at,
      `is ${show(one)}, with a unit of time`,
      `write the number alone, in ${field === "keepDays" ? "days" : field === "cpu" ? "seconds" : "the unit that the field's name says"}`,
    );
  else if (typeof one === "string" && /^(?:none|infinite|infinity|inf|max|-1|∞)$/i.test(one))
    found.error(
      "limit.infinite",
      at,
      `is ${show(one)}`,
      at[0] === "rlimits" ? "write unlimited" : "take the field out for no limit",
    );
  else if (typeof one === "string" && /[-+*/]/.test(one) && /\d/.test(one))
    found.error(
      "limit.formula",
      at,
      `is the formula ${show(one)}, which nobody works out`,
      "write the number",
    );
  else found.error("limit.form", at, `is ${show(one)}`, "write a whole number");
}

function lintResources({ rlimits }: Fields, found: Findings): void {
  if (!isFields(rlimits)) return;
  const known = FIELDS["rlimits"]!;
  for (const [name, one] of Object.entries(rlimits)) {
    const at = ["rlimits", name];
    const plain = name.toLowerCase().replace(/^rlimit_/, "");
    if (!known.includes(name)) {
      if (known.includes(plain))
        found.error("rlimit.name", at, "is the name of the C constant", `write ${plain}`, "key");
      else if (/^(?:mem|memory|vmem|ram|rss)$/.test(plain))
        found.error(
          "rlimit.memory",
          at,
          "is no limit of the kernel",
          "write as, the bytes of address space",
          "key",
        );
      else if (/^(?:files|fds|openfiles|descriptors|no_file)$/.test(plain))
        found.error("rlimit.files", at, "is no limit of the kernel", "write nofile", "key");
      else if (/^(?:processes|procs|pids|maxproc|threads)$/.test(plain))
        found.error(
          "rlimit.processes",
          at,
          "is no limit of the kernel",
          "write nproc, which counts all processes of the user",
          "key",
        );
      else found.error("rlimit.unknown", at, "is no limit of the kernel", suggest(plain, known), "key");
      continue;
    }
    if (one === "unlimited") {
      if (name === "core")
        found.warn(
          "rlimit.core",
          at,
          "lets every crash write the memory of the program, with its secrets, to the disk",
          "write 0",
        );
      continue;
    }
    if (one === -1) {
      found.error("rlimit.minus-one", at, "is -1", "write unlimited");
      continue;
    }
    lintNumber(one, at, 0, found);
    if (!isWhole(one)) continue;
    if (name === "nproc" && one < 2)
      found.warn(
        "rlimit.no-processes",
        at,
        `is ${one}, so that a program can start no other`,
        "write at least 16, since all processes of the user count",
      );
    if (name === "nofile" && one < 16)
      found.warn("rlimit.few-files", at, `is ${one}, with which few programs start`, "write at least 64");
    if (name === "as" && one > 0 && one < 256 * MIB)
      found.warn(
        "rlimit.little-memory",
        at,
        `is ${one} bytes, with which node and python do not start`,
        "write at least 268435456, in bytes",
      );
    if (name === "fsize" && one === 0)
      found.warn(
        "rlimit.no-writes",
        at,
        "is 0, so that the first byte written kills the program (SIGXFSZ)",
        "deny writes by a rule",
      );
    if (name === "stack" && one < 64 * 1024)
      found.warn(
        "rlimit.small-stack",
        at,
        `is ${one} bytes, too little for a program's start`,
        "write at least 1048576, in bytes",
      );
    if (name === "cpu" && one >= 100_000)
      found.warn(
        "rlimit.cpu-unit",
        at,
        `is ${one} seconds, more than a day of processor time`,
        "write seconds, not milliseconds",
      );
  }
}

function lintAbi(abi: unknown, found: Findings): void {
  const at = ["landlock", "minimumAbi"];
  if (!isWhole(abi)) {
    if (abi !== undefined) lintNumber(abi, at, 1, found);
  } else if (abi > 20) found.error("landlock.future", at, `is ${abi}, which no kernel has`, "write 6");
  else if (abi >= 1 && abi < 6)
    found.warn(
      "landlock.old",
      at,
      `is ${abi}: without ABI 6 a program reaches abstract sockets and signals processes outside`,
      "write 6",
    );
}

function lintContradictions(value: Fields, found: Findings): void {
  const file = valueAt(value, ["fileLimits", "maxBytes"]);
  const fsize = valueAt(value, ["rlimits", "fsize"]);
  const kept = valueAt(value, ["undoLimits", "maxBytes"]);
  if (isWhole(file) && isWhole(fsize) && fsize < file)
    found.warn(
      "limit.above-fsize",
      ["fileLimits", "maxBytes"],
      `is ${file}, and rlimits.fsize stops at ${fsize}`,
      "write one of the two",
    );
  if (isWhole(file) && isWhole(kept) && kept < file)
    found.warn(
      "limit.above-undo",
      ["fileLimits", "maxBytes"],
      `is ${file}, and the undo keeps ${kept}: overwriting such a file is refused`,
      "write a larger undoLimits.maxBytes",
    );
  if (value["undo"] === "off" && isFields(value["fileLimits"]))
    found.error(
      "limit.needs-undo",
      ["fileLimits"],
      "puts back what is beyond it, and undo is off",
      "write undo: journaled",
    );
  if (value["undo"] === "off" && isFields(value["undoLimits"]))
    found.warn("limit.undo-off", ["undoLimits"], "limits an undo that is off", "take one of the two out");
  const days = valueAt(value, ["undoLimits", "keepDays"]);
  if (isWhole(days) && days > 3650)
    found.warn(
      "limit.keep-days",
      ["undoLimits", "keepDays"],
      `is ${days} days, more than ten years`,
      "write days, not hours or seconds",
    );
}

function lintType(text: string, at: Path, found: Findings): void {
  if (/^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/.test(text)) {
    if (text === "application/octet-stream")
      found.warn(
        "type.unknown-bytes",
        at,
        "is what nothing is known of, which matches no file",
        "name the types",
      );
    if (text === "image/jpg") found.warn("type.jpg", at, "is no type", "write image/jpeg");
    return;
  }
  if (text === "*" || text === "*/*")
    found.error("type.everything", at, `"${text}" would be every type`, "take mimeTypes out");
  else if (/^\.?[a-z0-9]+$/i.test(text))
    found.error(
      "type.extension",
      at,
      `"${text}" is the ending of a name, and files are known by content`,
      "write a type such as image/png",
    );
  else if (/^\*\.\w+$/.test(text))
    found.error(
      "type.pattern",
      at,
      `"${text}" is a pattern of names, and files are known by content`,
      "write a type such as image/png",
    );
  else if (text.includes(";"))
    found.error("type.parameter", at, `"${text}" has a parameter`, `write ${text.split(";")[0]!.trim()}`);
  else if (text !== text.toLowerCase())
    found.error("type.capitals", at, `"${text}" has capital letters`, `write ${text.toLowerCase()}`);
  else found.error("type.form", at, `"${text}" is no type`, "write a type such as image/png or text/*");
}

function unitOf(text: string): number | null {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?b?$/i.exec(text) ?? [];
  if (digits === undefined) return null;
  return Math.round(Number(digits) * (unit === undefined ? 1 : UNIT[unit.toLowerCase()]!));
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
