#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "linux/notify/syscall_table.h"
#include "linux/process/descriptors.h"

struct seccomp_data;

namespace notify {

// What the pointers and descriptors of one trapped call name, copied once. Reused from call to call, so that
// a call costs no allocation.
struct Arguments {
  std::string path_one;
  std::string path_two;
  unsigned path_flags = 0;
  base::UniqueFd held;
  std::array<double, 4> times{};
  bool has_times = false;
  std::unique_ptr<std::vector<uint8_t>> data;
  // Known only where a path names the caller's own process; else -1.
  int fresh_tgid = -1;

  process::Descriptors descriptors;
  std::string scratch;
  std::string base;
};

// Reads the arguments of `call` made by thread `tid` into `out`. Gives 0 or the errno with which that failed;
// the paths are then empty. Whoever acts on the result confirms first that the notification still waits: a
// tid can be reused.
[[nodiscard]] int read_arguments(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out);

}  // namespace notify
