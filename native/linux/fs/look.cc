#include "linux/fs/look.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "linux/fs/open.h"

namespace fs {

namespace {

constexpr unsigned kWanted = STATX_BASIC_STATS | STATX_BTIME;
constexpr size_t kMaxNames = 65536;

int statx_of(int directory, const char* name, int flags, struct statx& out) {
  return statx(directory, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, kWanted, &out) == 0 ? 0
                                                                                                   : -errno;
}

}  // namespace

int look(const Target& target, struct statx& out) {
  if (target.path == nullptr) return statx_of(target.fd, "", AT_EMPTY_PATH, out);
  const base::UniqueFd held(open_no_symlinks(target.path, O_PATH | O_NOFOLLOW));
  return held.valid() ? statx_of(held.get(), "", AT_EMPTY_PATH, out) : held.get();
}

int look_in(int directory, const char* name, struct statx& out) { return statx_of(directory, name, 0, out); }

int attributes_of(const Target& target, std::vector<Attribute>& out) {
  base::UniqueFd opened;
  int fd = target.fd;
  if (target.path != nullptr) {
    opened.reset(open_no_symlinks(target.path, O_PATH | O_NOFOLLOW));
    if (!opened.valid()) return opened.get();
    fd = opened.get();
  }
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  // Most objects have none, and asking for the size alone is enough to see it. EBADF: it is only held
  // (O_PATH).
  ssize_t length = target.path == nullptr ? flistxattr(fd, nullptr, 0) : -1;
  if (target.path != nullptr || (length < 0 && errno == EBADF)) length = listxattr(link, nullptr, 0);
  if (length <= 0) return length == 0 || errno == ENOTSUP ? 0 : errno == ERANGE ? -E2BIG : -errno;
  if (static_cast<size_t>(length) > kMaxNames) return -E2BIG;
  std::string names(kMaxNames, '\0');
  const ssize_t got = listxattr(link, names.data(), names.size());
  if (got < 0) return -errno;
  for (size_t at = 0; at < static_cast<size_t>(got); at += std::strlen(names.c_str() + at) + 1) {
    const char* name = names.c_str() + at;
    std::string value(XATTR_SIZE_MAX, '\0');
    const ssize_t size = getxattr(link, name, value.data(), value.size());
    // Taken away meanwhile, or not for this thread to read.
    if (size < 0 && (errno == ENODATA || errno == EPERM || errno == EACCES)) continue;
    if (size < 0) return -errno;
    value.resize(static_cast<size_t>(size));
    out.emplace_back(name, std::move(value));
  }
  return 0;
}

}  // namespace fs
