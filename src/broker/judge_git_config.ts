import { randomBytes } from "node:crypto";
import { closeSync, writeSync } from "node:fs";
import { ERRNO } from "../platform/errno.ts";
import type { Platform } from "../platform/platform.ts";
import { decide, type Policy } from "../policy/decide.ts";
import { refusedGitConfigChange } from "../policy/git_config.ts";
import { OPEN, type RenameRequest, type Request } from "../protocol/message.ts";
import { denied, type Judgement } from "./judgement.ts";
import { type PlainText, readPlainText } from "./plain_text.ts";
import type { Session } from "./session.ts";

const EACCES = ERRNO["EACCES"]!;
const EAGAIN = ERRNO["EAGAIN"]!;
const RULE = "protected.git-config";
const ALLOWED = "git-config.plain-keys";

/**
 * git changes its configuration by writing `config.lock` and renaming it to `config`. Where what is in the file differs from what was
 * there in plain keys only (policy/git_config.ts), the rename is allowed. The program may still hold the file open, so what takes the place is a
 * copy of the bytes that were judged, in a file that no program has ever held. null: the rule stands.
 */
export function judgeGitConfig(request: Request, policy: Policy, session: Session): Judgement | null {
  if (request.op !== "rename" || request.existing === "exchange") return null;
  if (!/\/config$/.test(request.to)) return null;
  if (decide(session.policyWithout(policy, RULE), request, 0).kind === "deny") return null;
  const { platform } = session;
  const staged = readPlainText(request.from, platform);
  const present =
    readPlainText(request.to, platform) ??
    (isAbsent(request.to, platform) ? { text: "", mode: 0o644 } : null);
  if (staged === null || present === null) return null;
  const problem = refusedGitConfigChange(present.text, staged.text);
  if (problem === null)
    return { kind: "allow", rule: ALLOWED, prepare: () => copyOver(request, staged, platform) };
  return denied(
    request.to,
    { id: RULE, reason: `of the configuration, ${problem}; ${WHY}`, remedy: REMEDY },
    0,
  );
}

const WHY = "keys that name programs, remotes and other files stay as they are";
const REMEDY = "Run the git config command outside";

function isAbsent(path: string, platform: Platform): boolean {
  return platform.stat(path) === -ERRNO["ENOENT"]!;
}

/** Puts a fresh file with the judged bytes at the name that is renamed next. Gives 0 or -errno. */
function copyOver({ from }: RenameRequest, { text, mode }: PlainText, platform: Platform): number {
  const fresh = `${from}.${randomBytes(6).toString("hex")}`;
  const fd = platform.open(fresh, OPEN.write | OPEN.create | OPEN.exclusive | OPEN.nofollow, mode, 0);
  if (fd < 0) return fd;
  try {
    const bytes = Buffer.from(text);
    if (writeSync(fd, bytes) !== bytes.length) return abandoned(fresh, platform, -EAGAIN);
  } catch {
    return abandoned(fresh, platform, -EACCES);
  } finally {
    closeSync(fd);
  }
  const renamed = platform.rename(fresh, from, "replace");
  return renamed < 0 ? abandoned(fresh, platform, renamed) : 0;
}

function abandoned(path: string, platform: Platform, errno: number): number {
  platform.unlink(path, "file");
  return errno;
}
