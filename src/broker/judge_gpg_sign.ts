import { ERRNO } from "../platform/errno.ts";
import type { GpgSignRequest } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import type { Session } from "./session.ts";

const RULE = "option.gpg-sign";
const EPERM = ERRNO["EPERM"]!;
/** Bytes of SHA-256, SHA-384, SHA-512 and SHA-224; whoever can make SHA-1 collide could have one text signed for another. */
const DIGEST_BYTES: ReadonlyMap<number, number> = new Map([
  [8, 32],
  [9, 48],
  [10, 64],
  [11, 28],
]);

/** Decides a signature of gpg-agent: the key must be granted, and the digest be one of a good algorithm. */
export function judgeGpgSign({ keygrip, algorithm, digest }: GpgSignRequest, session: Session): Judgement {
  const refuse = (reason: string, remedy: string): Judgement =>
    denied(keygrip, { id: "sockets.gpg-sign", reason, remedy }, 0, EPERM);
  if (!session.gpg.keys.has(keygrip))
    return refuse("this key of the gpg-agent is not granted", `sallyport run --gpg-sign ${keygrip} …`);
  const bytes = DIGEST_BYTES.get(algorithm);
  if (bytes === undefined || digest.length !== 2 * bytes)
    return refuse("it is no digest of SHA-2", "use gpg with digest-algo SHA256");
  return { kind: "allow", rule: RULE };
}
