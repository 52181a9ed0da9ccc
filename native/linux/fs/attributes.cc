#include "linux/fs/attributes.h"

#include <sys/xattr.h>

#include <cerrno>
#include <cstdio>

namespace fs {

namespace {

// XATTR_SIZE_MAX and XATTR_LIST_MAX of linux/limits.h.
constexpr size_t kMaxBytes = 65536;

// The magic link of an O_PATH descriptor leads to the object itself, a symbolic link included.
struct Link {
  char path[32];
  explicit Link(int fd) { std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd); }
};

}  // namespace

int list_attributes(int fd, std::vector<std::string>& names) {
  std::vector<char> list(kMaxBytes);
  const ssize_t size = listxattr(Link(fd).path, list.data(), list.size());
  if (size < 0) return -errno;
  for (size_t at = 0; at < static_cast<size_t>(size);) {
    names.emplace_back(list.data() + at);
    at += names.back().size() + 1;
  }
  return 0;
}

int get_attribute(int fd, const char* name, std::vector<uint8_t>& value) {
  value.resize(kMaxBytes);
  const ssize_t size = getxattr(Link(fd).path, name, value.data(), value.size());
  if (size < 0) return -errno;
  value.resize(static_cast<size_t>(size));
  return 0;
}

}  // namespace fs
