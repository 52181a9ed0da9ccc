#include "linux/fs/path_ops.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "linux/fs/open.h"
#include "linux/uapi.h"

namespace fs {

namespace {

constexpr mode_t kModeBits = 01777;

// The status flags that F_SETFL would otherwise clear, fcntl(2).
constexpr int kKeptFlags = O_APPEND | O_DIRECT | O_NOATIME;

class Umask {
 public:
  explicit Umask(mode_t mask) : own_(mask & 0777), old_(umask(own_)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() {
    if (old_ != own_) (void)umask(old_);
  }

 private:
  mode_t own_;
  mode_t old_;
};

// The directories of two paths; one that is the same is opened once.
class Parents {
 public:
  [[nodiscard]] int open(const char* from, const char* to) {
    if (const int failed = open_parent(from, source_); failed < 0) return failed;
    const char* slash = std::strrchr(to, '/');
    const size_t length = std::strlen(source_.path);
    is_same_ = slash != nullptr && slash[1] != '\0' && length > 0 &&
               static_cast<size_t>(slash - to) == length && std::memcmp(to, source_.path, length) == 0 &&
               std::strlen(to) < kPathBytes;
    if (!is_same_) return open_parent(to, target_);
    same_name_ = slash + 1;
    return 0;
  }
  [[nodiscard]] int source() const { return source_.directory.get(); }
  [[nodiscard]] const char* source_name() const { return source_.name; }
  [[nodiscard]] int target() const { return is_same_ ? source() : target_.directory.get(); }
  [[nodiscard]] const char* target_name() const { return is_same_ ? same_name_ : target_.name; }

 private:
  Parent source_;
  Parent target_;
  const char* same_name_ = nullptr;
  bool is_same_ = false;
};

bool is_fifo(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

int negative_errno(int returned) { return returned < 0 ? -errno : returned; }

}  // namespace

int open_path(const char* path, int flags, mode_t mode, mode_t mask) {
  if ((flags & O_PATH) != 0) return open_no_symlinks(path, static_cast<unsigned>(flags));
  // What this very call makes is a regular file: nothing to wait for.
  const bool is_new = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) || (flags & __O_TMPFILE) != 0;
  const auto open_flags = static_cast<unsigned>(flags | O_NOCTTY | (is_new ? 0 : O_NONBLOCK));
  int fd;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    const Umask own(mask);
    fd = open_no_symlinks(path, open_flags, mode & kModeBits);
  } else {
    fd = open_no_symlinks(path, open_flags);
  }
  if (fd >= 0 && (flags & (O_ACCMODE | O_NONBLOCK | O_DIRECTORY)) == O_RDONLY && is_fifo(fd)) {
    (void)close(fd);
    return -ESPIPE;
  }
  if (fd >= 0 && !is_new && (flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags & kKeptFlags) != 0) {
    const int failed = -errno;
    (void)close(fd);
    return failed;
  }
  return fd;
}

int poll_descriptor(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) < 0 ? -errno : waiting.revents;
}

int make_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno : negative_errno(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

int duplicate(int fd) {
  const int made = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return made < 0 ? -errno : made;
}

int duplicate_inherited(int fd, int lowest) {
  const int made = fcntl(fd, F_DUPFD, lowest);
  return made < 0 ? -errno : made;
}

int make_directory(const char* path, mode_t mode, mode_t mask) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  const Umask own(mask);
  return negative_errno(mkdirat(parent.directory.get(), parent.name, mode & kModeBits));
}

int make_node(const char* path, mode_t mode, mode_t mask) {
  const mode_t kind = mode & S_IFMT;
  if (kind != S_IFREG && kind != S_IFIFO) return -EPERM;
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  const Umask own(mask);
  return negative_errno(mknodat(parent.directory.get(), parent.name, kind | (mode & kModeBits), 0));
}

int remove_path(const char* path, int flags) {
  if ((flags & ~AT_REMOVEDIR) != 0) return -EINVAL;
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  return negative_errno(unlinkat(parent.directory.get(), parent.name, flags));
}

int rename_path(const char* from, const char* to, unsigned flags) {
  Parents parents;
  if (const int failed = parents.open(from, to); failed < 0) return failed;
  return negative_errno(
      renameat2(parents.source(), parents.source_name(), parents.target(), parents.target_name(), flags));
}

int link_path(const char* from, const char* to) {
  Parents parents;
  if (const int failed = parents.open(from, to); failed < 0) return failed;
  return negative_errno(
      linkat(parents.source(), parents.source_name(), parents.target(), parents.target_name(), 0));
}

int make_symlink(const char* target, const char* path) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  return negative_errno(symlinkat(target, parent.directory.get(), parent.name));
}

int stat_path(const char* path, struct stat& out) {
  const base::UniqueFd fd(open_no_symlinks(path, O_PATH | O_NOFOLLOW));
  if (!fd.valid()) return fd.get();
  return negative_errno(fstat(fd.get(), &out));
}

int list_directory(const char* path, size_t max_entries, std::vector<std::string>& names) {
  struct Entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[1];
  };
  const base::UniqueFd fd(open_no_symlinks(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
  if (!fd.valid()) return fd.get();
  alignas(Entry) char buffer[32768];
  for (;;) {
    const long got = syscall(__NR_getdents64, fd.get(), buffer, sizeof buffer);
    if (got < 0) return -errno;
    if (got == 0) return 0;
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
      at += entry->length;
      const char* name = buffer + at - entry->length + offsetof(Entry, name);
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      if (names.size() == max_entries) return -EOVERFLOW;
      names.emplace_back(name);
    }
  }
}

int read_symlink(const char* path, std::string& target) {
  const base::UniqueFd fd(open_no_symlinks(path, O_PATH | O_NOFOLLOW));
  if (!fd.valid()) return fd.get();
  target.resize(kPathBytes);
  const ssize_t length = readlinkat(fd.get(), "", target.data(), target.size());
  // An empty path on something that is no link is ENOENT, readlink(2); by name it would be EINVAL.
  if (length < 0) return errno == ENOENT ? -EINVAL : -errno;
  target.resize(static_cast<size_t>(length));
  return 0;
}

int path_of_descriptor(int fd, std::string& path) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  path.resize(kPathBytes);
  const ssize_t length = readlink(link, path.data(), path.size());
  if (length < 0) return errno == ENOENT ? -EBADF : -errno;
  path.resize(static_cast<size_t>(length));
  return 0;
}

}  // namespace fs
