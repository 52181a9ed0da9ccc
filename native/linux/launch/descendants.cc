#include "linux/launch/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace launch {
namespace {

// A chain deeper than this is handled from above: killing a parent makes its children ours.
constexpr int max_depth = 64;
constexpr int max_freeze_passes = 32;

std::string read_file(const char* path) {
  base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd.valid()) return text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(fd.get(), buffer, sizeof(buffer))) > 0) text.append(buffer, static_cast<size_t>(got));
  return text;
}

struct Status {
  char state = 'X';
  pid_t parent = -1;
};

// Fields 3 and 4 of /proc/PID/stat; the name in field 2 may hold anything, so they are counted from the last
// ")".
Status status_of(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  const std::string text = read_file(path);
  Status status;
  const size_t end = text.rfind(')');
  if (end == std::string::npos || end + 4 >= text.size()) return status;
  status.state = text[end + 2];
  status.parent = static_cast<pid_t>(std::strtol(text.c_str() + end + 4, nullptr, 10));
  return status;
}

void append_children(const char* path, std::vector<pid_t>& out) {
  const std::string text = read_file(path);
  const char* at = text.c_str();
  for (;;) {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return;
    out.push_back(static_cast<pid_t>(pid));
    at = end;
  }
}

// Children belong to the thread that made them.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> out;
  char path[96];
  std::snprintf(path, sizeof(path), "/proc/%d/task", parent);
  DIR* tasks = ::opendir(path);
  if (tasks == nullptr) return out;
  while (const dirent* entry = ::readdir(tasks)) {
    if (entry->d_name[0] == '.') continue;
    std::snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", parent, entry->d_name);
    append_children(path, out);
  }
  (void)::closedir(tasks);
  return out;
}

}  // namespace

void Descendants::visit(pid_t parent, int signal, int depth) {
  const bool is_ours = depth == 0;
  for (const pid_t pid : children_of(parent)) {
    base::UniqueFd pidfd;
    if (!is_ours) pidfd.reset(static_cast<int>(::syscall(__NR_pidfd_open, pid, 0)));
    const Status status = status_of(pid);
    // The children of a dead process have been given to us, or will be at the next look.
    if (status.state == 'Z' || status.state == 'X') continue;
    if (!is_ours && (!pidfd.valid() || status.parent != parent)) continue;
    seen_.push_back(pid);
    const bool children_first = signal != SIGSTOP;
    if (children_first && depth < max_depth) visit(pid, signal, depth + 1);
    if (signal != 0) {
      (void)(is_ours ? ::kill(pid, signal)
                     : ::syscall(__NR_pidfd_send_signal, pidfd.get(), signal, nullptr, 0));
    }
    if (!children_first && depth < max_depth) visit(pid, signal, depth + 1);
  }
}

size_t Descendants::signal_all(int signal) {
  seen_.clear();
  visit(::getpid(), signal, 0);
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  return seen_.size();
}

void Descendants::freeze() {
  std::vector<pid_t> known;
  for (int pass = 0; pass < max_freeze_passes; ++pass) {
    (void)signal_all(SIGSTOP);
    if (std::includes(known.begin(), known.end(), seen_.begin(), seen_.end())) return;
    std::vector<pid_t> both;
    std::set_union(known.begin(), known.end(), seen_.begin(), seen_.end(), std::back_inserter(both));
    known = std::move(both);
  }
}

}  // namespace launch
