#pragma once

#include <sys/types.h>

#include <vector>

namespace launch {

// Signals what descends from the calling process, which must be a child subreaper, single-threaded, and the
// only one that reaps its children. proc(5).
class Descendants {
 public:
  // Sends `signal` (0: none) to every living descendant, parents first, and returns how many there were. A
  // child of ours is signalled by pid, which cannot be re-used before we reap it; a deeper one through a
  // pidfd whose parent is verified after it was opened, so that a re-used pid is never hit.
  size_t signal_all(int signal);
  // SIGSTOP until a pass finds none that an earlier pass did not see: what is stopped does not fork.
  void freeze();

 private:
  void visit(pid_t parent, int signal, int depth);
  // The living among the pids of the last signal_all(), sorted.
  std::vector<pid_t> seen_;
};

}  // namespace launch
