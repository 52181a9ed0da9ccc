import { readFileSync } from "node:fs";

export type Mount = {
  readonly at: string;
  readonly type: string;
  readonly source: string;
  /** Those of the file system. */
  readonly options: readonly string[];
};

/** proc_pid_mountinfo(5) of this process's mount namespace, in the order of mounting. */
export function mountsOf(): Mount[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [own = "", its = ""] = line.split(" - ");
      const [type = "", source = "", options = ""] = its.split(" ");
      return {
        at: unescaped(own.split(" ")[4] ?? ""),
        type,
        source: unescaped(source),
        options: options.split(","),
      };
    });
}

/** Space, tab, newline and backslash come in octal; every byte that is no ASCII comes as it is. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
