#pragma once

#include <sys/types.h>

#include <vector>

namespace launch {

// What a freeze has come upon: living processes, and those of them that had not stopped when it gave up.
struct Frozen {
  size_t processes = 0;
  size_t moving = 0;
};

// Signals what descends from the calling process, which must be a child subreaper, single-threaded, and the
// only one that reaps its children. proc(5).
class Descendants {
 public:
  // Sends `signal` (0: none) to every living descendant, parents first, and returns how many there were. A
  // child of ours is signalled by pid, which cannot be re-used before we reap it; a deeper one through a
  // pidfd whose parent is verified after it was opened, so that a re-used pid is never hit.
  size_t signal_all(int signal);
  // SIGSTOP until three passes in a row find the same processes, dead ones included, and no thread of them
  // running; gives up after two seconds. Fewer are not enough: the list of children that the kernel shows
  // misses who comes to be in it while others leave (proc(5)). What has the signal does not fork
  // (copy_process() of the kernel looks for it). A thread in an uninterruptible wait, as for the answer of
  // the broker or the child of a vfork(2), counts as stopped: it takes the signal before it goes on.
  Frozen freeze();

 private:
  void visit(pid_t parent, int signal, int depth);
  // Of the last signal_all(), sorted: the living, and those whose parents have not collected them yet.
  std::vector<pid_t> seen_;
  std::vector<pid_t> dead_;
};

}  // namespace launch
