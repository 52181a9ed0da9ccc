import { spawnSync } from "node:child_process";
import type { Workload } from "./workload.ts";

const has = (program: string) => (): string =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0 ? "" : `needs ${program}`;
const imports = (module: string) => (): string =>
  spawnSync("/usr/bin/python3", ["-c", `import ${module}`]).status === 0
    ? ""
    : `needs the Python module ${module} of the system`;

const NAMES = { "network.unix": "the C library asks for a name service that need not run" };

const FILES = (count: number): string =>
  `mkdir in; for d in $(seq 100); do mkdir in/d$d; done; for i in $(seq ${count}); do echo "file $i" > in/d$((i % 100 + 1))/f$i; done`;

export const TOOLS: readonly Workload[] = [
  {
    name: "bash: job control, pipes, process substitution",
    kind: "starts",
    script:
      "set -m; for i in $(seq 20); do diff <(seq $i) <(seq $((i + 1))) | wc -l; (sleep 0.01; echo $i > f$i) & wait %1; cat < f$i; done",
  },
  {
    name: "dash: pipelines and here-documents",
    kind: "starts",
    obstacle: has("dash"),
    script:
      "dash -c 'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); cat <<X | sort -r | tail -1 >> out\n$i\nz\nX\ndone; wc -l < out'",
  },
  {
    name: "sqlite: 300 transactions, in both journal modes",
    kind: "writes",
    obstacle: imports("sqlite3"),
    script: `/usr/bin/python3 -c '
import sqlite3
for mode in ("delete", "wal"):
    db = sqlite3.connect(mode + ".db", isolation_level=None)
    db.execute("pragma journal_mode=" + mode)
    db.execute("pragma synchronous=off")
    db.execute("create table t(a)")
    for i in range(150):
        db.execute("begin"); db.execute("insert into t values(?)", (i,)); db.execute("commit")
    print(mode, db.execute("select sum(a) from t").fetchone()[0])
    db.close()'`,
  },
  {
    name: "lmdb: 2 000 keys",
    kind: "writes",
    obstacle: imports("lmdb"),
    script: `/usr/bin/python3 -c '
import lmdb
env = lmdb.open("db", map_size=1 << 26, sync=False)
for i in range(200):
    with env.begin(write=True) as t:
        for j in range(10): t.put(b"%d" % (i * 10 + j), b"v")
print(env.stat()["entries"])'`,
  },
  {
    name: "tar: 10 000 files into an archive and out of it",
    kind: "writes",
    prepare: FILES(10_000),
    denials: NAMES,
    script: "tar cf a.tar -C .. in && mkdir out && tar xf a.tar -C out && find out -type f | wc -l",
  },
  {
    name: "rsync: 10 000 files",
    kind: "writes",
    obstacle: has("rsync"),
    prepare: FILES(10_000),
    denials: NAMES,
    script: "rsync -a ../in/ out/ && rsync -a --delete ../in/ out/ && find out -type f | wc -l",
  },
  {
    name: "grep -r over 2 000 files",
    kind: "reads",
    prepare: FILES(2000),
    script: "for i in 1 2 3 4 5; do grep -r no-such-text ../in; done; true",
  },
  {
    name: "gdb: refused, and says so",
    kind: "starts",
    obstacle: has("gdb"),
    script: "gdb -nx -batch -ex run -ex quit /bin/true 2>&1",
    denials: {
      "process.ptrace": "a tracer would hold what the program holds",
      "process.personality": "it wants addresses that do not change",
      "default-deny": "Python keeps its compiled files beside gdb, and gdb looks into /etc",
    },
    refusal: /Operation not permitted/,
  },
  {
    name: "headless Chromium: a page with a script",
    kind: "starts",
    obstacle: has("chromium"),
    denials: {
      "default-deny": "it would write /proc/self/oom_score_adj, and look for policies and caches of the host",
      "sockets.bus": "it asks the desktop's services, and does without",
      "network.socket": "it looks which networks there are",
      "network.family": "it listens for changes of the network",
      "process.priority": "it would change the priority of its threads",
      "attributes.set": "it would mark its databases",
      "secrets.browsers": "the start script cleans up crash reports of the person's profile",
      ...NAMES,
    },
    script: `echo '<p id=a>x</p><script>document.getElementById("a").textContent = 6 * 7</script>' > page.html
      HOME=$PWD $(ls /usr/lib/chromium/chromium || command -v chromium) --headless --no-sandbox --disable-gpu --user-data-dir=$PWD/profile --dump-dom file://$PWD/page.html 2>err`,
  },
];
