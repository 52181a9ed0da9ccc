#pragma once

#include <array>
#include <cstddef>

#include "base/unique_fd.h"

namespace process {

// Umasks of threads that make files, of /proc/<tid>/status (proc_pid_status(5), Linux 4.7). Opening that file
// costs more than reading it, so the last few stay open: such a descriptor is of that very thread, and once
// it has gone reading gives ESRCH, also when its number belongs to another one by then. One thread.
class Umasks {
 public:
  // The umask, or -errno (-ESRCH: gone).
  [[nodiscard]] int of(int tid);

 private:
  struct Known {
    int tid = -1;
    base::UniqueFd status;
  };
  std::array<Known, 8> known_;
};

}  // namespace process
