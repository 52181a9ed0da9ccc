import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { ResolvedProfile } from "../policy/profile.ts";
import { PROFILE_NAME } from "../policy/profile_fields.ts";
import { SallyportError } from "../protocol/errors.ts";
import { packNamed } from "./packs/load.ts";
import { loadProfile, packRules } from "./profiles.ts";
import { openState, stateDirectory } from "./state.ts";
import { userByUid } from "./user.ts";

/**
 * What `-p` names: a built-in profile, a policy pack (@NAME), one that `learn` has saved in the state directory, or a file, in this order: a file of
 * the workspace must not be able to stand in for a saved one. `profileFile` is its real path; `protect` are packs to add.
 */
export function chosenProfile(
  nameOrFile: string,
  state: string | undefined,
  protect: readonly string[] = [],
): { profile: ResolvedProfile; profileFile: string | undefined } {
  const pack = nameOrFile.startsWith("@") ? packOf(nameOrFile.slice(1), state) : null;
  const saved = pack === null ? savedProfile(nameOrFile, state) : null;
  const plain = pack ?? loadProfile(saved ?? nameOrFile);
  const rules = protect.flatMap((pack) => packRules(`pack:${pack}`));
  const name = [plain.name, ...protect].join("+");
  const profile = { ...plain, name, rules: [...plain.rules, ...rules] };
  if (nameOrFile.startsWith(":") || pack !== null) return { profile, profileFile: undefined };
  return { profile, profileFile: realpathSync(saved ?? nameOrFile) };
}

function packOf(name: string, state: string | undefined): ResolvedProfile {
  const { home, uid } = userByUid(process.geteuid!());
  return packNamed(name, stateDirectory(state, home), home, uid).profile;
}

/** The file of a saved profile, or null when there is none of that name. */
export function savedProfile(name: string, state: string | undefined): string | null {
  if (name.startsWith(":") || !PROFILE_NAME.test(name)) return null;
  const file = savedFile(name, stateDirectory(state, userByUid(process.geteuid!()).home));
  return existsSync(file) ? file : null;
}

/** Saves a profile in the state directory, where no run can change it, in the place of one of the same name. Gives its file. */
export function saveProfile(name: string, text: string, state: string | undefined): string {
  const directory = openState(stateDirectory(state, userByUid(process.geteuid!()).home));
  mkdirSync(join(directory, "profiles"), { recursive: true, mode: 0o700 });
  const file = savedFile(name, directory);
  const fresh = `${file}.${process.pid}`;
  writeFresh(fresh, text);
  renameSync(fresh, file);
  return file;
}

/** Writes a file that must not be there yet, so that nothing planted in its place is written through. */
export function writeFresh(file: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  try {
    const fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    writeSync(fd, text);
    closeSync(fd);
  } catch (error) {
    const { code = "EIO" } = error as NodeJS.ErrnoException;
    throw new SallyportError(
      "SETUP",
      `Cannot write the profile to "${file}": ${code}; name another with -o FILE`,
      {
        errno: code,
      },
    );
  }
}

function savedFile(name: string, state: string): string {
  return join(resolve(state), "profiles", `${name}.yaml`);
}
