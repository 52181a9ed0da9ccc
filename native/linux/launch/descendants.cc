#include "linux/launch/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace launch {
namespace {

// A chain deeper than this is handled from above: killing a parent makes its children ours.
constexpr int max_depth = 64;
constexpr std::chrono::milliseconds max_freeze_time{2000};
constexpr int quiet_looks = 2;
constexpr timespec settle_pause{0, 500'000};

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
  long threads = 0;

  // A process whose first thread has ended shows as a zombie while others of its threads go on.
  [[nodiscard]] bool is_dead() const { return state == 'X' || (state == 'Z' && threads <= 1); }
};

// Fields 3, 4 and 20 of /proc/PID/stat; the name in field 2 may hold anything, so they are counted from the
// last ")".
Status status_at(const char* path) {
  const std::string text = read_file(path);
  Status status;
  const size_t end = text.rfind(')');
  if (end == std::string::npos || end + 4 >= text.size()) return status;
  status.state = text[end + 2];
  const char* at = text.c_str() + end + 4;
  status.parent = static_cast<pid_t>(std::strtol(at, nullptr, 10));
  for (int field = 4; field < 20 && at != nullptr; ++field) {
    at = std::strchr(at, ' ');
    if (at != nullptr) ++at;
  }
  if (at != nullptr) status.threads = std::strtol(at, nullptr, 10);
  return status;
}

Status status_of(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/%d/stat", pid);
  return status_at(path);
}

// Calls `each` with the number of every thread, as a name.
template <typename Each>
void each_task(pid_t pid, Each each) {
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/%d/task", pid);
  DIR* tasks = ::opendir(path);
  if (tasks == nullptr) return;
  while (const dirent* entry = ::readdir(tasks)) {
    if (entry->d_name[0] != '.') each(entry->d_name);
  }
  (void)::closedir(tasks);
}

// Some thread runs, or will as soon as it is woken.
bool is_moving(pid_t pid) {
  bool moving = false;
  each_task(pid, [&](const char* task) {
    char path[96];
    std::snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", pid, task);
    const char state = status_at(path).state;
    moving = moving || state == 'R' || state == 'S';
  });
  return moving;
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
  each_task(parent, [&](const char* task) {
    char path[96];
    std::snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", parent, task);
    append_children(path, out);
  });
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
    if (status.is_dead()) {
      dead_.push_back(pid);
      continue;
    }
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
  dead_.clear();
  visit(::getpid(), signal, 0);
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  std::sort(dead_.begin(), dead_.end());
  return seen_.size();
}

Frozen Descendants::freeze() {
  const auto give_up = std::chrono::steady_clock::now() + max_freeze_time;
  std::vector<pid_t> living;
  std::vector<pid_t> dead;
  Frozen found;
  int quiet = 0;
  do {
    living = seen_;
    dead = dead_;
    found.processes = signal_all(SIGSTOP);
    const bool same = living == seen_ && dead == dead_;
    found.moving = static_cast<size_t>(std::count_if(seen_.begin(), seen_.end(), is_moving));
    quiet = same && found.moving == 0 ? quiet + 1 : 0;
    if (quiet == quiet_looks) break;
    if (same && found.moving != 0) (void)::nanosleep(&settle_pause, nullptr);
  } while (std::chrono::steady_clock::now() < give_up);
  return found;
}

}  // namespace launch
