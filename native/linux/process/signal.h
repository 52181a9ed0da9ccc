#pragma once

namespace process {

// Sends signal `number` to process `pid` when it descends from process `root`, itself excluded. Numbers may be
// reused at any time: the process is held by a pidfd from before it is looked at, and so is each ancestor while
// its own parent is asked for. 0 or -errno: -EPERM it does not descend from `root`; -ESRCH it is gone, or no
// process. Number 0 looks only, kill(2).
[[nodiscard]] int signal_descendant(int root, int pid, int number);

}  // namespace process
