// Modes, owners, times and attributes. In mediation `kernel` the filter refuses them all with EPERM: Landlock
// does not look at them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "shim/preload/preload.h"

/// Where a call by name or by descriptor leads: with a path of NULL it is the file of the descriptor itself.
static int place_of(int fd, const char* path, char absolute[SPI_PATH_ROOM]) {
  return path == NULL ? spi_path_of(fd, absolute) : spi_absolute(fd, path, absolute);
}

static int change_mode(long result, int fd, const char* path, mode_t mode, sp_follow follow) {
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = place_of(fd, path, absolute);
  if (answer == 0) answer = sp_chmod(state.client, absolute, mode & 07777, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int chmod(const char* path, mode_t mode) {
  return change_mode(syscall(SYS_chmod, path, mode), AT_FDCWD, path, mode, SP_FOLLOW);
}
SPI_INTERPOSED int fchmod(int fd, mode_t mode) {
  return change_mode(syscall(SYS_fchmod, fd, mode), fd, NULL, mode, SP_FOLLOW);
}
SPI_INTERPOSED int fchmodat(int directory_fd, const char* path, mode_t mode, int flags) {
  if (flags != 0) {
    // Links have no modes of their own; what libc makes of this flag says so.
    errno = (flags & ~AT_SYMLINK_NOFOLLOW) != 0 ? EINVAL : EOPNOTSUPP;
    struct stat status;
    if ((flags & ~AT_SYMLINK_NOFOLLOW) != 0 || fstatat(directory_fd, path, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return -1;
    if (S_ISLNK(status.st_mode)) {
      errno = EOPNOTSUPP;
      return -1;
    }
  }
  const long result = syscall(SYS_fchmodat, directory_fd, path, mode);
  return change_mode(result, directory_fd, path, mode, flags == 0 ? SP_FOLLOW : SP_NOFOLLOW);
}

static int change_owner(long result, int fd, const char* path, uid_t uid, gid_t gid, sp_follow follow) {
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = place_of(fd, path, absolute);
  if (answer == 0) answer = sp_chown(state.client, absolute, uid, gid, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int chown(const char* path, uid_t uid, gid_t gid) {
  return change_owner(syscall(SYS_chown, path, uid, gid), AT_FDCWD, path, uid, gid, SP_FOLLOW);
}
SPI_INTERPOSED int lchown(const char* path, uid_t uid, gid_t gid) {
  return change_owner(syscall(SYS_lchown, path, uid, gid), AT_FDCWD, path, uid, gid, SP_NOFOLLOW);
}
SPI_INTERPOSED int fchown(int fd, uid_t uid, gid_t gid) {
  return change_owner(syscall(SYS_fchown, fd, uid, gid), fd, NULL, uid, gid, SP_FOLLOW);
}
SPI_INTERPOSED int fchownat(int directory_fd, const char* path, uid_t uid, gid_t gid, int flags) {
  const long result = syscall(SYS_fchownat, directory_fd, path, uid, gid, flags);
  const bool is_itself = (flags & AT_EMPTY_PATH) != 0 && path[0] == 0;
  const sp_follow follow = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? SP_NOFOLLOW : SP_FOLLOW;
  return change_owner(result, directory_fd, is_itself ? NULL : path, uid, gid, follow);
}

static int change_times(long result, int fd, const char* path, const struct timespec* times,
                        sp_follow follow) {
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = place_of(fd, path, absolute);
  if (answer == 0) answer = sp_utimens(state.client, absolute, times, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

static int set_times(int fd, const char* path, const struct timespec* times, int flags) {
  const long result = syscall(SYS_utimensat, fd, path, times, flags);
  return change_times(result, fd, path, times, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? SP_NOFOLLOW : SP_FOLLOW);
}

/// The same with microseconds.
static int set_microseconds(int fd, const char* path, const struct timeval* times, int flags) {
  if (times == NULL) return set_times(fd, path, NULL, flags);
  const struct timespec exact[2] = {{times[0].tv_sec, times[0].tv_usec * 1000},
                                    {times[1].tv_sec, times[1].tv_usec * 1000}};
  return set_times(fd, path, exact, flags);
}

SPI_INTERPOSED int utimensat(int directory_fd, const char* path, const struct timespec times[2], int flags) {
  return set_times(directory_fd, path, times, flags);
}
SPI_INTERPOSED int futimens(int fd, const struct timespec times[2]) { return set_times(fd, NULL, times, 0); }
SPI_INTERPOSED int utimes(const char* path, const struct timeval times[2]) {
  return set_microseconds(AT_FDCWD, path, times, 0);
}
SPI_INTERPOSED int lutimes(const char* path, const struct timeval times[2]) {
  return set_microseconds(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}
SPI_INTERPOSED int futimes(int fd, const struct timeval times[2]) {
  return set_microseconds(fd, NULL, times, 0);
}
SPI_INTERPOSED int utime(const char* path, const struct utimbuf* times) {
  if (times == NULL) return set_times(AT_FDCWD, path, NULL, 0);
  const struct timespec exact[2] = {{times->actime, 0}, {times->modtime, 0}};
  return set_times(AT_FDCWD, path, exact, 0);
}

static int set_attribute(long result, int fd, const char* path, const char* name, const void* value,
                         size_t size_bytes, int flags, sp_follow follow) {
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  const sp_xattr_existing existing = flags == XATTR_CREATE    ? SP_XATTR_CREATE
                                     : flags == XATTR_REPLACE ? SP_XATTR_REPLACE
                                                              : SP_XATTR_ANY;
  char absolute[SPI_PATH_ROOM];
  int answer = place_of(fd, path, absolute);
  if (answer == 0)
    answer = sp_setxattr(state.client, absolute, name, value, size_bytes, existing, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int setxattr(const char* path, const char* name, const void* value, size_t size, int flags) {
  const long result = syscall(SYS_setxattr, path, name, value, size, flags);
  return set_attribute(result, AT_FDCWD, path, name, value, size, flags, SP_FOLLOW);
}
SPI_INTERPOSED int lsetxattr(const char* path, const char* name, const void* value, size_t size, int flags) {
  const long result = syscall(SYS_lsetxattr, path, name, value, size, flags);
  return set_attribute(result, AT_FDCWD, path, name, value, size, flags, SP_NOFOLLOW);
}
SPI_INTERPOSED int fsetxattr(int fd, const char* name, const void* value, size_t size, int flags) {
  const long result = syscall(SYS_fsetxattr, fd, name, value, size, flags);
  return set_attribute(result, fd, NULL, name, value, size, flags, SP_FOLLOW);
}

static int remove_attribute(long result, int fd, const char* path, const char* name, sp_follow follow) {
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = place_of(fd, path, absolute);
  if (answer == 0) answer = sp_removexattr(state.client, absolute, name, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int removexattr(const char* path, const char* name) {
  return remove_attribute(syscall(SYS_removexattr, path, name), AT_FDCWD, path, name, SP_FOLLOW);
}
SPI_INTERPOSED int lremovexattr(const char* path, const char* name) {
  return remove_attribute(syscall(SYS_lremovexattr, path, name), AT_FDCWD, path, name, SP_NOFOLLOW);
}
SPI_INTERPOSED int fremovexattr(int fd, const char* name) {
  return remove_attribute(syscall(SYS_fremovexattr, fd, name), fd, NULL, name, SP_FOLLOW);
}
