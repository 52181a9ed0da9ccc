#pragma once

#include <array>
#include <cstddef>

#include "base/unique_fd.h"

namespace process {

// Takes copies of descriptors of threads. The pidfds of the last few threads stay open: each is of that very
// thread, and gives ESRCH once it has gone, also when its number belongs to another one by then. One thread.
class Descriptors {
 public:
  // pidfd_getfd(2) (Linux 5.6) of what thread `tid` holds as `fd`: the same open file, close-on-exec, the
  // caller's to close; or -errno. -EPERM: the thread is not ours to trace.
  [[nodiscard]] int take(int tid, int fd);

 private:
  struct Known {
    int tid = -1;
    base::UniqueFd pidfd;
  };
  std::array<Known, 8> known_;
};

}  // namespace process
