#include "linux/watch/mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

namespace watch {
namespace {

using base::Done;
using base::last_failure;
using base::Result;

// mountinfo writes a space and its like as \ooo.
std::string unescaped(const std::string& text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); at++) {
    if (text[at] != '\\' || at + 3 >= text.size()) {
      plain += text[at];
      continue;
    }
    plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
    at += 3;
  }
  return plain;
}

}  // namespace

Result<Before> enter_own_mounts() {
  Before before{base::UniqueFd(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)),
                base::UniqueFd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC))};
  if (!before.mounts.valid() || !before.directory.valid()) return last_failure("open");
  if (::unshare(CLONE_NEWNS) != 0) return last_failure("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    const base::Failure failure = last_failure("mount");
    (void)leave_own_mounts(before);
    return failure;
  }
  return before;
}

Result<Done> leave_own_mounts(const Before& before) {
  if (::setns(before.mounts.get(), CLONE_NEWNS) != 0) return last_failure("setns");
  if (::fchdir(before.directory.get()) != 0) return last_failure("fchdir");
  return Done{};
}

Result<std::vector<Mount>> own_mounts() {
  std::ifstream file("/proc/thread-self/mountinfo");
  if (!file) return base::Failure{"open", ENOENT};
  std::vector<Mount> mounts;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string field;
    std::string path;
    for (int index = 0; index < 5; index++) fields >> path;
    while (fields >> field && field != "-") continue;
    std::string type;
    fields >> type;
    mounts.push_back({unescaped(path), std::move(type)});
  }
  return mounts;
}

}  // namespace watch
