#include "linux/process/replace.h"

#include <fcntl.h>
#include <unistd.h>

namespace process {

base::Result<base::Done> replace(const std::string& program, const std::vector<std::string>& argv,
                                 const std::vector<int>& keep) {
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (const std::string& item : argv) pointers.push_back(const_cast<char*>(item.c_str()));
  pointers.push_back(nullptr);
  for (const int fd : keep) {
    if (fcntl(fd, F_SETFD, 0) != 0) return base::last_failure("fcntl");
  }
  (void)execv(program.c_str(), pointers.data());
  const base::Failure failed = base::last_failure("execve");
  for (const int fd : keep) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return failed;
}

}  // namespace process
