#include "linux/process/descriptors.h"

#include <unistd.h>

#include <cerrno>

#include "linux/uapi.h"

namespace process {

namespace {

int take_by(int pidfd, int fd) {
  const long taken = syscall(__NR_pidfd_getfd, pidfd, fd, 0);
  return taken < 0 ? -errno : static_cast<int>(taken);
}

}  // namespace

int Descriptors::take(int tid, int fd) {
  Known& known = known_[static_cast<size_t>(tid) % known_.size()];
  if (known.tid == tid) {
    const int taken = take_by(known.pidfd.get(), fd);
    if (taken != -ESRCH) return taken;
    // A later thread may have the number.
  }
  known.tid = -1;
  known.pidfd.reset(static_cast<int>(syscall(__NR_pidfd_open, tid, PIDFD_THREAD)));
  if (!known.pidfd.valid()) return -errno;
  known.tid = tid;
  return take_by(known.pidfd.get(), fd);
}

}  // namespace process
