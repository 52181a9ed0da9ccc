#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "linux/fs/open.h"
#include "linux/fs/path_ops.h"

namespace fs {

namespace {

constexpr unsigned kTtyMajor = 4;         // TTY_MAJOR, linux/major.h
constexpr unsigned kFirstPtsMajor = 136;  // UNIX98_PTY_SLAVE_MAJOR
constexpr unsigned kLastPtsMajor = 143;

// Holds what the thread's descriptor names. -errno, where -EBADF is a descriptor that it does not have.
int hold_remote(int tid, int remote_fd, base::UniqueFd& held, struct stat& status) {
  char link[64];
  std::snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, remote_fd);
  if (remote_fd < 0) return -EBADF;
  held.reset(open(link, O_PATH | O_CLOEXEC));
  if (!held.valid()) return errno == ENOENT ? -EBADF : -errno;
  return fstat(held.get(), &status) == 0 ? 0 : -errno;
}

// The open flags of a remote descriptor, provided that it still names inode `inode` ("ino:" since
// Linux 5.14).
int flags_of_remote(int tid, int remote_fd, ino_t inode) {
  char path[64];
  char text[1024];
  std::snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", tid, remote_fd);
  const base::UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno == ENOENT ? -EBADF : -errno;
  const ssize_t got = read(fd.get(), text, sizeof text - 1);
  if (got < 0) return -errno;
  text[got] = '\0';
  const char* flags = std::strstr(text, "flags:");
  const char* number = std::strstr(text, "\nino:");
  if (flags == nullptr || number == nullptr) return -EXDEV;
  // Another thread of the caller can put another file under this number between our two looks.
  if (std::strtoull(number + 5, nullptr, 10) != inode) return -EACCES;
  return static_cast<int>(std::strtol(flags + 6, nullptr, 8));
}

bool is_memfd(int held, const struct stat& status) {
  std::string name;
  return status.st_nlink == 0 && path_of_descriptor(held, name) == 0 && name.starts_with("/memfd:");
}

bool is_terminal(const struct stat& status) {
  const unsigned number = major(status.st_rdev);
  return number == kTtyMajor || (number >= kFirstPtsMajor && number <= kLastPtsMajor);
}

int may_reopen(const struct stat& status) {
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
      return 0;
    case S_IFCHR:
      return is_terminal(status) ? 0 : -EXDEV;
    case S_IFREG:
      return 0;
    case S_IFSOCK:
      return -ENXIO;
    case S_IFLNK:
      return -ELOOP;
    case 0:  // an anonymous inode (eventfd, epoll): open(2) of it is ENXIO
      return -ENXIO;
    default:
      return -EXDEV;
  }
}

bool grants(int held_flags, int wanted_flags) {
  if ((held_flags & O_PATH) != 0) return false;
  const int held = held_flags & O_ACCMODE;
  const int wanted = wanted_flags & O_ACCMODE;
  // Whoever may only append must not get at what is there by opening it again.
  if ((held_flags & O_APPEND) != 0 && wanted != O_RDONLY && (wanted_flags & O_APPEND) == 0) return false;
  if ((wanted_flags & O_TRUNC) != 0 && (held == O_RDONLY || (held_flags & O_APPEND) != 0)) return false;
  return held == O_RDWR || held == wanted;
}

}  // namespace

int link_descriptor(int tid, int remote_fd, const char* to) {
  base::UniqueFd held;
  struct stat status;
  if (const int failed = hold_remote(tid, remote_fd, held, status); failed < 0) return failed;
  if (!S_ISREG(status.st_mode) || status.st_nlink != 0) return -EXDEV;
  Parent parent;
  if (const int failed = open_parent(to, parent); failed < 0) return failed;
  char own[32];
  std::snprintf(own, sizeof own, "/proc/self/fd/%d", held.get());
  return linkat(AT_FDCWD, own, parent.directory.get(), parent.name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

int reopen_descriptor(int tid, int remote_fd, int flags) {
  base::UniqueFd held;
  struct stat status;
  if (const int failed = hold_remote(tid, remote_fd, held, status); failed < 0) return failed;
  if (const int refused = may_reopen(status); refused < 0) return refused;
  const int held_flags = flags_of_remote(tid, remote_fd, status.st_ino);
  if (held_flags < 0) return held_flags;
  // What a file that has a name is opened for beyond what is held, is a matter of that name.
  if (!grants(held_flags, flags))
    return S_ISREG(status.st_mode) && !is_memfd(held.get(), status) ? -EXDEV : -EACCES;
  if ((flags & (O_DIRECTORY | O_PATH)) != 0) return (flags & O_PATH) != 0 ? -EINVAL : -ENOTDIR;
  char own[32];
  std::snprintf(own, sizeof own, "/proc/self/fd/%d", held.get());
  constexpr int kWanted = O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_NONBLOCK;
  base::UniqueFd fd(open(own, (flags & kWanted) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.valid()) return -errno;
  if ((flags & O_NONBLOCK) == 0 && fcntl(fd.get(), F_SETFL, flags & O_APPEND) != 0) return -errno;
  return fd.release();
}

}  // namespace fs
