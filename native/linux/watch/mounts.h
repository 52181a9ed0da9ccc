#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace watch {

// What a thread was in before it entered mounts of its own.
struct Before {
  base::UniqueFd mounts;
  base::UniqueFd directory;
};

// Gives the calling thread, and what it starts from then on, a private copy of all mounts: what is mounted
// outside afterwards does not appear in it. Needs CAP_SYS_ADMIN.
[[nodiscard]] base::Result<Before> enter_own_mounts();

// Goes back, to the working directory of then.
[[nodiscard]] base::Result<base::Done> leave_own_mounts(const Before& before);

// A mount of the calling thread's namespace.
struct Mount {
  std::string path;
  std::string type;
};
[[nodiscard]] base::Result<std::vector<Mount>> own_mounts();

}  // namespace watch
