import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { Arena } from "../support/arena.ts";
import { confined } from "../support/confined.ts";

/** The workspace on a mount of its own, in a mount namespace that lasts for one command; what it is like is printed at the end. */
const PREPARE = `
set -e
mount -t "$1" "$2" "$3"; shift 3
cd "$1"; shift
printf 'one\\n' > f; ln f g; ln -s f s; mkfifo p; mkdir d m; echo m > m/in; head -c 100000 /dev/zero > d/large; chmod 640 d/large
setfattr -n user.tag -v before f 2>/dev/null || python3 -c 'import os; os.setxattr("f", "user.tag", b"before")' || true
touch -d @1000000000 f d/large; touch -h -d @1000000000 s; touch -d @1100000000 m d .
`;
const SNAPSHOT = `python3 -c '
import os, hashlib
def attrs(p):
    try: return [(n, os.getxattr(p, n, follow_symlinks=False)) for n in sorted(os.listxattr(p, follow_symlinks=False))]
    except OSError: return []
names = {}
for top, ds, fs in sorted(os.walk(".")):
    for n in ["."] + sorted(fs):
        p = os.path.join(top, n); s = os.lstat(p)
        c = os.readlink(p) if os.path.islink(p) else hashlib.sha256(open(p, "rb").read()).hexdigest() if os.path.isfile(p) else ""
        print(p, oct(s.st_mode), s.st_uid, s.st_size if not os.path.isdir(p) else "", s.st_mtime_ns, c, attrs(p), names.setdefault(s.st_ino, p))
'`;
const CHANGE =
  "echo more >> f; echo x > s.new; rm s; rm -r d; mkdir d; echo new > d/new; mv d/new late; mkdir new; mv m new/m; mv p new/p2 2>/dev/null; mv g new/g 2>/dev/null; true";
const REMOVE = "rm f g s p; rm -r d";

describe.each(["tmpfs", "ext4"])("a workspace on a %s of its own, the state elsewhere", (type) => {
  beforeEach((context) => {
    if (process.geteuid!() !== 0) context.skip("skipped: needs root to mount, this machine has a user");
  });

  test.each([
    ["changes of each kind", CHANGE],
    ["a name of one file removed", "rm g; mv f h"],
    ["both names of one file removed", REMOVE],
  ])("%s come back as they were, by copies, which the start line says", async (_, change) => {
    using arena = new Arena();
    const image = join(arena.root, "image");
    const source = type === "tmpfs" ? "none" : image;
    const script = `${type === "ext4" ? `truncate -s 16M ${image} && mkfs.ext4 -q -F ${image} && ` : ""}sh -c '${PREPARE.replaceAll("'", "'\\''")}' sh ${type} ${source} ${arena.workspace} ${arena.workspace} || exit 99
cd ${arena.workspace}; rm -rf lost+found; touch -d @1100000000 .
${SNAPSHOT} > ${arena.root}/before
"$@" || exit 98
run=$(ls ${arena.state}/runs)
${process.execPath} ${SALLYPORT} undo restore $run --state ${arena.state} > ${arena.root}/restored; echo $? >> ${arena.root}/restored
${SNAPSHOT} > ${arena.root}/after`;
    const run = await confined(arena, ["sh", "-c", change], {
      within: ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"],
    });
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).toContain("undo by copies");
    expect(readFileSync(join(arena.root, "restored"), "utf8")).toMatch(/· 0 kept as they are now\n0\n$/);
    const before = readFileSync(join(arena.root, "before"), "utf8").split("\n");
    const after = readFileSync(join(arena.root, "after"), "utf8").split("\n");
    expect(before.length).toBeGreaterThan(6);
    expect(after).toEqual(before);
  });
});

const SALLYPORT: string = new URL("../../bin/sallyport", import.meta.url).pathname;
