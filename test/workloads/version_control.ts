import type { Workload } from "./workload.ts";

const IDENTITY =
  "export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org";
const START = `set -e; ${IDENTITY}`;
const SOURCE = `${START}; mkdir in; git init -q -b main in/source; cd in/source; for i in $(seq 200); do mkdir -p d$((i % 20)); echo $i > d$((i % 20))/f$i; done; git add .; git commit -qm first`;

export const VERSION_CONTROL: readonly Workload[] = [
  {
    name: "git: init, 40 commits, log",
    kind: "writes",
    script: `${START}; git init -q -b main r; cd r; for i in $(seq 40); do echo $i > f$i; git add f$i; git commit -qm "number $i"; done; git log --oneline | wc -l`,
  },
  {
    name: "git: clone of a local repository, checkout of branches",
    kind: "writes",
    prepare: SOURCE,
    script: `${START}; git clone -q ../in/source c; cd c; for i in 1 2 3; do git checkout -q -b b$i; echo branch $i > d1/f1; git commit -qam $i; git checkout -q main; done; git branch | wc -l; git fsck`,
  },
  {
    name: "git: worktree",
    kind: "writes",
    prepare: SOURCE,
    script: `${START}; git clone -q ../in/source c; cd c; git worktree add -q ../t -b topic; cd ../t; echo x > new; git add new; git commit -qm new; cd ../c; git merge -q topic; git worktree remove ../t; git log --format=%s | head -1`,
  },
  {
    name: "git: submodule",
    kind: "writes",
    prepare: SOURCE,
    script: `${START}; export GIT_ALLOW_PROTOCOL=file; git init -q -b main r; cd r; git submodule --quiet add "$PWD/../../in/source" s; git commit -qm with; git submodule status | cut -c43-`,
  },
  {
    name: "git: rebase of 15 commits",
    kind: "writes",
    prepare: SOURCE,
    script: `${START}; git clone -q ../in/source c; cd c; git checkout -q -b topic; for i in $(seq 15); do echo $i > t$i; git add t$i; git commit -qm $i; done; git checkout -q main; echo m > m; git add m; git commit -qm m; git checkout -q topic; git rebase -q main; git log --oneline | wc -l`,
  },
];
