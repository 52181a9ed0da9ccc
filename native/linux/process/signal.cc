#include "linux/process/signal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/unique_fd.h"
#include "linux/process/info.h"
#include "linux/uapi.h"

namespace process {

namespace {

constexpr int kMaxAncestors = 256;
// Whoever forks and exits faster than this is not signalled.
constexpr int kMaxLooks = 16;

base::UniqueFd hold(int pid) { return base::UniqueFd(static_cast<int>(syscall(__NR_pidfd_open, pid, 0))); }

// A process that has ended makes its pidfd readable, pidfd_open(2); it keeps its number until it is reaped.
bool has_ended(const base::UniqueFd& held) {
  pollfd asked{held.get(), POLLIN, 0};
  return poll(&asked, 1, 0) != 0;
}

enum class Ancestry { descends, does_not, changed };

// A process gets another parent only by the death of the one that it has, and only one that was
// there before: so whoever is the parent before and after it was held was held.
Ancestry ancestry_of(int root, int pid) {
  int child = pid;
  base::UniqueFd held;
  for (int step = 0; step < kMaxAncestors; step++) {
    const int parent = parent_of(child);
    if (parent < 0) return Ancestry::changed;
    if (parent <= 1) return Ancestry::does_not;
    base::UniqueFd above = hold(parent);
    if (!above.valid() || parent_of(child) != parent || (held.valid() && has_ended(held)))
      return Ancestry::changed;
    if (parent == root) return Ancestry::descends;
    child = parent;
    held = std::move(above);
  }
  return Ancestry::does_not;
}

}  // namespace

int signal_descendant(int root, int pid, int number) {
  if (pid <= 1 || pid == root) return -EPERM;
  const base::UniqueFd target = hold(pid);
  // EINVAL, and since Linux 6.15 ENOENT: a thread that leads no process.
  if (!target.valid()) return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -ESRCH;
  Ancestry found = Ancestry::changed;
  for (int look = 0; look < kMaxLooks && found == Ancestry::changed; look++) {
    found = ancestry_of(root, pid);
    // Its number may be another's, and so what was found.
    if (has_ended(target)) return -ESRCH;
  }
  if (found != Ancestry::descends) return -EPERM;
  return syscall(__NR_pidfd_send_signal, target.get(), number, nullptr, 0) == 0 ? 0 : -errno;
}

}  // namespace process
