import type { Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { begin } from "./ops/begin.ts";
import { bindUnix } from "./ops/bind_unix.ts";
import { chmod } from "./ops/chmod.ts";
import { chown } from "./ops/chown.ts";
import { commit } from "./ops/commit.ts";
import { connectUnix } from "./ops/connect_unix.ts";
import { discard } from "./ops/discard.ts";
import { exec } from "./ops/exec.ts";
import { link } from "./ops/link.ts";
import { list } from "./ops/list.ts";
import { mkdir } from "./ops/mkdir.ts";
import { mknod } from "./ops/mknod.ts";
import { open } from "./ops/open.ts";
import { rename } from "./ops/rename.ts";
import { sshSign } from "./ops/ssh_sign.ts";
import { stat } from "./ops/stat.ts";
import { symlink } from "./ops/symlink.ts";
import { truncate } from "./ops/truncate.ts";
import { unlink } from "./ops/unlink.ts";
import { utimens } from "./ops/utimens.ts";
import { xattr } from "./ops/xattr.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { Session } from "./session.ts";

const EPERM = 1;

/** Does what was decided and recorded. Only dispatch.ts calls it. */
export function perform(request: Request, caller: Caller, session: Session): Outcome | Promise<Outcome> {
  const { platform } = session;
  switch (request.op) {
    case "open":
      return open(request, caller, platform, session.fifos);
    case "stat":
      return stat(request, platform);
    case "list":
      return list(request, platform);
    case "mkdir":
      return mkdir(request, caller, platform);
    case "mknod":
      return mknod(request, caller, platform);
    case "unlink":
      return unlink(request, platform);
    case "rename":
      return rename(request, platform);
    case "link":
      return link(request, caller, platform);
    case "symlink":
      return symlink(request, platform);
    case "chmod":
      return chmod(request, caller, platform);
    case "chown":
      return chown(request, caller, platform);
    case "utimens":
      return utimens(request, caller, platform);
    case "truncate":
      return truncate(request, platform);
    case "setxattr":
    case "removexattr":
      return xattr(request, caller, platform);
    case "begin":
      return begin(request, caller, session);
    case "commit":
      return commit(request, session);
    case "discard":
      return discard(request, session);
    case "exec":
      return exec(request, caller, session);
    case "connect":
      return session.sockets.connect(request, caller);
    case "bind":
      return session.sockets.bind(request);
    case "resolve":
      return session.sockets.resolve(request);
    case "kill":
      return outcomeOf(session.signal(request.pid, request.signal));
    case "connect-unix":
      return connectUnix(request, caller, session);
    case "bind-unix":
      return bindUnix(request, caller, session);
    case "ssh-sign":
      return sshSign(request, session);
    case "refused":
      return { kind: "failed", errno: EPERM };
  }
}
