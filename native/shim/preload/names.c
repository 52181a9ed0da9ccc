// Names made, removed and moved.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/preload.h"

SPI_INTERPOSED int mkdirat(int directory_fd, const char* path, mode_t mode) {
  const long result = syscall(SYS_mkdirat, directory_fd, path, mode);
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = spi_absolute(directory_fd, path, absolute);
  if (answer == 0) answer = sp_mkdir(state.client, absolute, mode & 07777, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

SPI_INTERPOSED int mknodat(int directory_fd, const char* path, mode_t mode, dev_t device) {
  const long result = syscall(SYS_mknodat, directory_fd, path, mode, device);
  const mode_t type = mode & S_IFMT;
  const bool is_fifo = type == S_IFIFO;
  spi_ask_state state;
  if ((!is_fifo && type != S_IFREG && type != 0) || !spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = spi_absolute(directory_fd, path, absolute);
  if (answer == 0)
    answer =
        sp_mknod(state.client, absolute, is_fifo ? SP_NODE_FIFO : SP_NODE_FILE, mode & 07777, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int mknod(const char* path, mode_t mode, dev_t device) {
  return mknodat(AT_FDCWD, path, mode, device);
}
SPI_INTERPOSED int mkfifoat(int directory_fd, const char* path, mode_t mode) {
  return mknodat(directory_fd, path, (mode & 07777) | S_IFIFO, 0);
}
SPI_INTERPOSED int mkfifo(const char* path, mode_t mode) { return mkfifoat(AT_FDCWD, path, mode); }

SPI_INTERPOSED int unlinkat(int directory_fd, const char* path, int flags) {
  const long result = syscall(SYS_unlinkat, directory_fd, path, flags);
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = spi_absolute(directory_fd, path, absolute);
  const sp_name name = (flags & AT_REMOVEDIR) != 0 ? SP_NAME_DIRECTORY : SP_NAME_FILE;
  if (answer == 0) answer = sp_unlink(state.client, absolute, name, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }
SPI_INTERPOSED int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

SPI_INTERPOSED int remove(const char* path) {
  struct stat status;
  if (lstat(path, &status) != 0) return -1;
  return S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

SPI_INTERPOSED int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  const long result = syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
  spi_ask_state state;
  if (flags > RENAME_EXCHANGE || !spi_begin_ask_across(result, &state)) return (int)result;
  const sp_existing existing = flags == RENAME_NOREPLACE  ? SP_REFUSE
                               : flags == RENAME_EXCHANGE ? SP_EXCHANGE
                                                          : SP_REPLACE;
  char absolute[SPI_PATH_ROOM], other[SPI_PATH_ROOM];
  int answer = spi_absolute(from_fd, from, absolute);
  if (answer == 0) answer = spi_absolute(to_fd, to, other);
  if (answer == 0) answer = sp_rename(state.client, absolute, other, existing, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  return renameat2(from_fd, from, to_fd, to, 0);
}
SPI_INTERPOSED int rename(const char* from, const char* to) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SPI_INTERPOSED int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) {
  const long result = syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
  spi_ask_state state;
  // An open file without a name has no path to ask about.
  if ((flags & ~AT_SYMLINK_FOLLOW) != 0 || !spi_begin_ask_across(result, &state)) return (int)result;
  const sp_follow follow = (flags & AT_SYMLINK_FOLLOW) != 0 ? SP_FOLLOW : SP_NOFOLLOW;
  char absolute[SPI_PATH_ROOM], other[SPI_PATH_ROOM];
  int answer = spi_absolute(from_fd, from, absolute);
  if (answer == 0) answer = spi_absolute(to_fd, to, other);
  if (answer == 0) answer = sp_link(state.client, absolute, other, follow, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int link(const char* from, const char* to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

SPI_INTERPOSED int symlinkat(const char* target, int directory_fd, const char* path) {
  const long result = syscall(SYS_symlinkat, target, directory_fd, path);
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = spi_absolute(directory_fd, path, absolute);
  if (answer == 0) answer = sp_symlink(state.client, target, absolute, &state.failure);
  return spi_end_ask(&state, answer);
}

SPI_INTERPOSED int symlink(const char* target, const char* path) { return symlinkat(target, AT_FDCWD, path); }

SPI_INTERPOSED int truncate(const char* path, off_t size_bytes) {
  const long result = syscall(SYS_truncate, path, size_bytes);
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  return spi_end_ask(&state, sp_truncate(state.client, path, size_bytes, &state.failure));
}

SPI_INTERPOSED int truncate64(const char* path, off64_t size_bytes) { return truncate(path, size_bytes); }
