#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace watch {

// Holds up every execution through the mounts of the calling thread's namespace until it is answered
// (fanotify(7), FAN_OPEN_EXEC_PERM): of the program, of the interpreter of a script, of the loader. When the
// group is closed, by whatever end of the process, the kernel lets through what waits.
class Executions {
 public:
  // Needs CAP_SYS_ADMIN in the first user namespace; reading and answering need none.
  [[nodiscard]] static base::Result<Executions> watch_own_mounts();

  [[nodiscard]] int group() const { return group_.get(); }
  // Answers what waits, at most one buffer full. `decide` gets the file, opened for reading and closed after
  // it, and the process; false refuses the execution with EPERM. False when the group is broken.
  bool answer(const std::function<bool(int fd, pid_t pid)>& decide);
  void close() { group_.reset(); }

 private:
  explicit Executions(base::UniqueFd group) : group_(std::move(group)) {}
  base::UniqueFd group_;
};

}  // namespace watch
