#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

// Changes to an object's metadata, by absolute normalised path (no symbolic link is followed, fs/open.h) or
// by a descriptor that the caller holds, O_PATH ones included. Each gives 0 or -errno and acts with the
// thread's authority.
namespace fs {

// Borrowed; `path` is used when it is not null. A path whose last component is a symbolic link means the
// link.
struct Target {
  const char* path;
  int fd;
};

// -EPERM for a mode with the setuid or setgid bit, -EOPNOTSUPP for a symbolic link.
[[nodiscard]] int change_mode(const Target& target, mode_t mode);
// (uid_t)-1 and (gid_t)-1 leave the id, chown(2).
[[nodiscard]] int change_owner(const Target& target, uid_t uid, gid_t gid);
// Nanoseconds may be UTIME_NOW or UTIME_OMIT, utimensat(2).
[[nodiscard]] int change_times(const Target& target, const struct timespec times[2]);
// Regular files only: -EISDIR for a directory, -EINVAL for anything else.
[[nodiscard]] int change_size(const Target& target, int64_t size);
[[nodiscard]] int set_attribute(const Target& target, const char* name, const void* value, size_t size,
                                int flags);
[[nodiscard]] int remove_attribute(const Target& target, const char* name);

}  // namespace fs
