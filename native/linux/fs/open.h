#pragma once

#include <cstdint>

#include "base/unique_fd.h"
#include "linux/fs/normalize.h"

// The one way in which this addon opens a path for a caller: openat2(2) (Linux 5.6) with RESOLVE_NO_SYMLINKS
// and RESOLVE_NO_MAGICLINKS. Between a decision about a path and this call an attacker can plant a link but
// cannot have it followed: the answer is ELOOP.
namespace fs {

// `path` is absolute. Gives a descriptor or -errno. With O_PATH|O_NOFOLLOW a link in the last component is
// opened itself.
[[nodiscard]] int open_no_symlinks(const char* path, uint64_t flags, uint64_t mode = 0);

// The directory that holds the last component of `path`, and that component, for the *at calls.
struct Parent {
  base::UniqueFd directory;
  char path[kPathBytes];
  const char* name;
};

// 0 or -errno (-EINVAL: not absolute; -ENAMETOOLONG).
[[nodiscard]] int open_parent(const char* path, Parent& parent);

}  // namespace fs
