import { ERRNO } from "../platform/errno.ts";
import type { SshSignRequest } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const EPERM = ERRNO["EPERM"]!;
const SIGN = "option.ssh-sign";
const LOGIN = "option.ssh-login";
// SSH_AGENT_RSA_SHA2_256 and 512; without either an RSA key signs with SHA-1, which only old servers ask for.
const KNOWN_FLAGS = 0b110;

/** Decides a signature: the key must be granted, for what the signed bytes are good for. */
export function judgeSshSign({ key, purpose, flags }: SshSignRequest, session: Session): Judgement {
  const use = session.ssh.keys.get(key);
  const refuse = (reason: string, remedy: string): Judgement =>
    denied(key, { id: "sockets.ssh-sign", reason, remedy }, 0, EPERM);
  if (use === undefined)
    return refuse("this key of the ssh-agent is not granted", `sallyport run --ssh-sign ${key} …`);
  if ((flags & ~KNOWN_FLAGS) !== 0) return refuse("it asks for a kind of signature that is not known", "");
  if (purpose.startsWith("signature ")) return { kind: "allow", rule: SIGN };
  if (!purpose.startsWith("login "))
    return refuse(
      "it is neither a signature of a file (SSHSIG) nor a login, so nobody can say what it is good for",
      "",
    );
  if (use === "logins") return { kind: "allow", rule: LOGIN };
  return refuse(
    "it is a login, and the key is granted for signatures of files",
    `sallyport run --ssh-login ${key} …`,
  );
}
