import { readFileSync } from "node:fs";
import { SallyportError } from "../protocol/errors.ts";

export type User = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** What the database names, or /bin/sh where that is no shell to work with. */
  readonly shell: string;
  readonly groups: readonly number[];
};

/** Reads passwd(5) and group(5): the home of a user is what the database says, whatever HOME says. */
export function userByUid(uid: number): User {
  const entry = entries("/etc/passwd").find((fields) => fields[2] === String(uid));
  if (entry === undefined)
    throw new SallyportError("SETUP", `Cannot find uid ${uid} in /etc/passwd`, { errno: "ENOENT" });
  return userOf(entry);
}

/** Every home of the machine that could hold somebody's secrets. */
export function allHomes(): string[] {
  const homes = entries("/etc/passwd").map((fields) => fields[5] ?? "");
  return [
    ...new Set(homes.filter((home) => home.startsWith("/root") || /^\/(home|Users|var\/home)\/./.test(home))),
  ];
}

export function userByName(name: string): User {
  const entry = entries("/etc/passwd").find((fields) => fields[0] === name);
  if (entry === undefined)
    throw new SallyportError("SETUP", `Cannot run as "${name}": no such user in /etc/passwd`, {
      errno: "ENOENT",
    });
  return userOf(entry);
}

const NO_SHELL = /\/(?:nologin|false)$/;

function userOf(fields: readonly string[]): User {
  const [name = "", , uid, gid, , home = "", login = ""] = fields;
  const groups = entries("/etc/group")
    .filter((group) => (group[3] ?? "").split(",").includes(name))
    .map((group) => Number(group[2]));
  const shell = login === "" || NO_SHELL.test(login) ? "/bin/sh" : login;
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
    shell,
    groups: [...new Set([Number(gid), ...groups])],
  };
}

function entries(file: string): string[][] {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
