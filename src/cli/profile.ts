import { stringify } from "yaml";
import { builtInProfiles, loadProfile, validateProfile } from "../broker/profiles.ts";
import { savedProfile } from "../broker/saved_profiles.ts";
import { formatProblem } from "../policy/problem.ts";

type Flags = { readonly json?: boolean };

/** `sallyport profile list` */
export function profileList(flags: Flags): void {
  const profiles = builtInProfiles().map((name) => ({ name, description: loadProfile(name).description }));
  if (flags.json) console.log(JSON.stringify(profiles));
  else for (const { name, description } of profiles) console.log(`${name.padEnd(12)} ${description}`);
}

/** `sallyport profile show`: with everything that it inherits. */
export function profileShow(name: string, flags: Flags): void {
  const profile = loadProfile(savedProfile(name, undefined) ?? name);
  console.log(flags.json ? JSON.stringify(profile) : stringify(profile).trimEnd());
}

/** `sallyport profile validate`: exit 1 and one line a problem when the file is not a profile. */
export function profileValidate(file: string, flags: Flags): void {
  const problems = validateProfile(file);
  if (flags.json) console.log(JSON.stringify({ file, problems }));
  else if (problems.length === 0) console.log(`${file}: a valid profile`);
  else for (const problem of problems) console.log(`${file}: ${formatProblem(problem)}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
