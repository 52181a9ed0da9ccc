import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

const PROGRAMS = ["gpg", "gpg-agent", "gpgconf", "gpg-connect-agent"];

/** Why no gpg can be tried here, or "". */
export function gpgObstacle(): string {
  const lacking = PROGRAMS.filter((name) => !existsSync(`/usr/bin/${name}`));
  return lacking.length === 0 ? "" : `needs gnupg, this machine has no ${lacking.join(", ")}`;
}

/** A GNUPGHOME of a person, with secret keys and a real agent. Close it. */
export class GpgHome {
  readonly directory: string;

  constructor() {
    // Short: the path of the socket in it has to fit sun_path.
    this.directory = mkdtempSync("/var/tmp/sallyport-gpg-");
    chownSync(this.directory, process.geteuid!(), process.getegid!());
  }

  get env(): Record<string, string> {
    return { PATH: "/usr/bin:/bin", GNUPGHOME: this.directory, HOME: this.directory };
  }

  gpg(args: readonly string[], input = ""): string {
    return execFileSync(
      "/usr/bin/gpg",
      ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", ...args],
      {
        env: this.env,
        input,
        encoding: "utf8",
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
  }

  /** A key that signs, with a subkey that decrypts. */
  makeKey(name: string): { readonly fingerprint: string; readonly keygrip: string } {
    this.gpg(["--quick-gen-key", `${name} <${name}@example.org>`, "ed25519", "sign", "never"]);
    const lines = this.gpg(["--with-colons", "--with-keygrip", "--list-keys", `${name}@example.org`]).split(
      "\n",
    );
    const field = (kind: string): string => lines.find((line) => line.startsWith(`${kind}:`))!.split(":")[9]!;
    const fingerprint = field("fpr");
    this.gpg(["--quick-add-key", fingerprint, "cv25519", "encr", "never"]);
    return { fingerprint, keygrip: field("grp") };
  }

  /** What a signature is of, as gpg outside says it; throws for a bad one. */
  verify(signature: string, file: string): string {
    return execFileSync("/usr/bin/gpg", ["--batch", "--status-fd", "1", "--verify", signature, file], {
      env: this.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  }

  get secretKeys(): string {
    return join(this.directory, "private-keys-v1.d");
  }

  [Symbol.dispose](): void {
    execFileSync("/usr/bin/gpgconf", ["--kill", "all"], { env: this.env });
    rmSync(this.directory, { recursive: true, force: true });
  }
}
