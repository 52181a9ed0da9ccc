#include "linux/process/umask.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace process {

namespace {

int open_status(int tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/status", tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

// The second line of the file: its start is enough.
int read_umask(int fd) {
  constexpr const char* kKey = "\nUmask:";
  char text[256];
  const ssize_t got = pread(fd, text, sizeof text - 1, 0);
  if (got < 0) return -errno;
  text[got] = '\0';
  const char* at = std::strstr(text, kKey);
  return at == nullptr ? -ENODATA : static_cast<int>(std::strtol(at + std::strlen(kKey), nullptr, 8));
}

}  // namespace

int Umasks::of(int tid) {
  Known& known = known_[static_cast<size_t>(tid) % known_.size()];
  if (known.tid == tid) {
    const int umask = read_umask(known.status.get());
    if (umask != -ESRCH) return umask;
    // A later thread may have the number.
  }
  known.tid = -1;
  const int fd = open_status(tid);
  if (fd < 0) {
    known.status.reset();
    return fd == -ENOENT ? -ESRCH : fd;
  }
  known.status.reset(fd);
  known.tid = tid;
  return read_umask(fd);
}

}  // namespace process
