#include "linux/fs/open.h"

#include <cerrno>
#include <cstring>

#include "linux/uapi.h"

namespace fs {

int open_no_symlinks(const char* path, uint64_t flags, uint64_t mode) {
  open_how how{flags | O_CLOEXEC, mode, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  const long fd = syscall(__NR_openat2, AT_FDCWD, path, &how, sizeof how);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

int open_parent(const char* path, Parent& parent) {
  const size_t length = std::strlen(path);
  if (length >= sizeof parent.path) return -ENAMETOOLONG;
  if (path[0] != '/') return -EINVAL;
  const char* slash = std::strrchr(path, '/');
  const auto parent_length = static_cast<size_t>(slash - path);
  std::memcpy(parent.path, path, length + 1);
  // "/" itself becomes "." in "/", for which every *at call has an honest answer.
  parent.name = slash[1] == '\0' ? "." : parent.path + parent_length + 1;
  parent.path[parent_length] = '\0';
  const int fd = open_no_symlinks(parent_length == 0 ? "/" : parent.path, O_PATH | O_DIRECTORY);
  if (fd < 0) return fd;
  parent.directory.reset(fd);
  return 0;
}

}  // namespace fs
