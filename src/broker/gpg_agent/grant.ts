import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decidePath, type Policy } from "../../policy/decide.ts";
import { GPG_KEY } from "../../policy/profile_fields.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { AgentCallers } from "../agent_callers.ts";
import type { RunOptions } from "../run_options.ts";
import { parseKeyList, signingKey } from "./key_list.ts";

const DIRECTORIES = ["/usr/bin", "/usr/local/bin", "/bin"];
const TIMEOUT_MS = 20_000;

export type GpgKey = { readonly fingerprint: string; readonly primary: string };
/** The person's own agent. */
export type GpgUpstream = {
  readonly socket: string;
  /** Where it may ask for a passphrase. */
  readonly options: readonly string[];
  readonly version: string;
};

/** What one run may do with the person's gpg-agent, and who of it has connected. */
export class GpgGrant extends AgentCallers {
  /** By keygrip. */
  readonly keys: ReadonlyMap<string, GpgKey>;
  readonly upstream: GpgUpstream;
  /** The public keys, for a keyring of the run's own. */
  readonly #exported: Buffer;
  readonly #gpg: string;

  constructor(keys: ReadonlyMap<string, GpgKey>, upstream: GpgUpstream, exported: Buffer, gpg: string) {
    super();
    this.keys = keys;
    this.upstream = upstream;
    this.#exported = exported;
    this.#gpg = gpg;
  }

  /** Makes a GNUPGHOME for the run that holds the public part of the granted keys. Throws SETUP. */
  makeHome(directory: string): string {
    const home = join(directory, "gnupg");
    mkdirSync(home, { mode: 0o700 });
    const [first] = this.keys.values();
    // Batch programs would look for the first secret key of the ring, and the agent lists none but the granted.
    writeFileSync(join(home, "gpg.conf"), `default-key ${first!.fingerprint}!\nno-autostart\n`, {
      mode: 0o600,
    });
    const env = { PATH: DIRECTORIES.join(":"), GNUPGHOME: home };
    ask(this.#gpg, ["--batch", "--no-autostart", "--quiet", "--import"], env, this.#exported);
    return home;
  }
}

export const NO_GPG: GpgGrant = new GpgGrant(
  new Map(),
  { socket: "", options: [], version: "" },
  Buffer.alloc(0),
  "",
);

/** Throws INVALID for what names no key, and SETUP where there is none to sign with, or the run could have it without asking. */
export function gpgGrantOf(
  { profile, gpgSign = [], environment, home }: RunOptions,
  policy: Policy,
  runsAs: "self" | "another user",
  ownHome: string,
): GpgGrant {
  const asked = [...new Set([...profile.gpgKeys.sign, ...gpgSign])];
  if (asked.length === 0) return NO_GPG;
  for (const key of asked) {
    if (!GPG_KEY.test(key))
      throw new SallyportError(
        "INVALID",
        `Cannot grant the gpg key "${key}": write its fingerprint or keygrip, as gpg --list-keys --with-keygrip shows them`,
        { field: "gpgKeys", expected: "40 hexadecimal digits" },
      );
  }
  if (runsAs === "another user")
    throw setup("the agent is yours; leave out --user, or start the run as that user");
  const gpg = programNamed("gpg");
  const gpgHome = environment["GNUPGHOME"];
  const env = {
    PATH: DIRECTORIES.join(":"),
    HOME: home ?? ownHome,
    ...(gpgHome === undefined || gpgHome === "" ? {} : { GNUPGHOME: gpgHome }),
  };
  const gpgconf = programNamed("gpgconf");
  const [socket, place] = ["agent-socket", "homedir"].map((name) =>
    decodeURIComponent(ask(gpgconf, ["--list-dirs", name], env).toString().trim()),
  ) as [string, string];
  checkClosed(policy, socket, place);
  const listed = parseKeyList(
    ask(gpg, ["--batch", "--no-autostart", "--with-colons", "--with-keygrip", "--list-keys"], env).toString(
      "latin1",
    ),
  );
  const keys = new Map<string, GpgKey>();
  for (const key of asked) {
    const found = signingKey(listed, key);
    if (typeof found === "string") throw setup(`${key}: ${found}`);
    keys.set(found.keygrip, { fingerprint: found.fingerprint, primary: found.primary });
  }
  const primaries = [...new Set([...keys.values()].map(({ primary }) => primary))];
  const exported = ask(gpg, ["--batch", "--no-autostart", "--export", ...primaries], env);
  ask(gpgconf, ["--launch", "gpg-agent"], env);
  const version = /(\d+\.\d+\.\d+)/.exec(ask(gpg, ["--version"], env).toString("latin1"))?.[1] ?? "2.2.0";
  const display = environment["DISPLAY"];
  const options = display === undefined || /[^\w.:/-]/.test(display) ? [] : [`display=${display}`];
  return new GpgGrant(keys, { socket, options, version }, exported, gpg);
}

/** What the run may read or connect to by itself no agent of ours stands in front of. */
function checkClosed(policy: Policy, socket: string, place: string): void {
  const open = (path: string, rights: number): boolean => decidePath(policy, path, rights).kind === "allow";
  if (open(join(place, "private-keys-v1.d/x.key"), RIGHT.read))
    throw setup(
      `the run may read ${place}, where the secret keys are; keep them where no rule grants reading`,
    );
  if (open(socket, RIGHT.connect))
    throw setup(`a rule lets the run connect to ${socket}, where everything is to be had; take it out`);
}

function ask(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input: Uint8Array = Buffer.alloc(0),
): Buffer {
  try {
    return execFileSync(program, args, {
      env,
      input,
      timeout: TIMEOUT_MS,
      stdio: ["pipe", "pipe", "ignore"],
    });
  } catch (error) {
    const { status, code = `exit ${status}` } = error as { status?: number; code?: string };
    throw setup(`${program} ${args.find((arg) => !/^--(?:batch|quiet|no-|with-)/.test(arg)) ?? ""}: ${code}`);
  }
}

function programNamed(name: string): string {
  const found = DIRECTORIES.map((directory) => join(directory, name)).find((path) => existsSync(path));
  if (found === undefined) throw setup(`there is no ${name} in ${DIRECTORIES.join(", ")}; install gnupg`);
  return found;
}

function setup(problem: string): SallyportError {
  return new SallyportError("SETUP", `Cannot grant gpg keys: ${problem}`);
}
