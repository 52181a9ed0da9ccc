// The ways of libc to open a file by its name.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/preload/preload.h"

int spi_open_anywhere(int directory_fd, const char* path, int flags, mode_t mode) {
  const long result = syscall(SYS_openat, directory_fd, path, flags, mode);
  spi_ask_state state;
  if (!spi_begin_ask(result, &state)) return (int)result;
  char absolute[SPI_PATH_ROOM];
  int answer = spi_absolute(directory_fd, path, absolute);
  if (answer == 0) answer = sp_open_linux(state.client, absolute, flags, mode, &state.failure);
  if (answer >= 0 && (flags & O_CLOEXEC) == 0) fcntl(answer, F_SETFD, 0);
  return spi_end_ask(&state, answer);
}

/// The mode is an argument only where a file may be made.
#define MODE_OF(flags, last)                                            \
  mode_t mode = 0;                                                      \
  if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list rest;                                                       \
    va_start(rest, last);                                               \
    mode = va_arg(rest, mode_t);                                        \
    va_end(rest);                                                       \
  }

SPI_INTERPOSED int open(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return spi_open_anywhere(AT_FDCWD, path, flags, mode);
}

SPI_INTERPOSED int open64(const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return spi_open_anywhere(AT_FDCWD, path, flags, mode);
}

SPI_INTERPOSED int openat(int directory_fd, const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return spi_open_anywhere(directory_fd, path, flags, mode);
}

SPI_INTERPOSED int openat64(int directory_fd, const char* path, int flags, ...) {
  MODE_OF(flags, flags)
  return spi_open_anywhere(directory_fd, path, flags, mode);
}

// What _FORTIFY_SOURCE makes of the four above, where no mode is given.
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int directory_fd, const char* path, int flags);
int __openat64_2(int directory_fd, const char* path, int flags);

SPI_INTERPOSED int __open_2(const char* path, int flags) {
  return spi_open_anywhere(AT_FDCWD, path, flags, 0);
}
SPI_INTERPOSED int __open64_2(const char* path, int flags) {
  return spi_open_anywhere(AT_FDCWD, path, flags, 0);
}
SPI_INTERPOSED int __openat_2(int directory_fd, const char* path, int flags) {
  return spi_open_anywhere(directory_fd, path, flags, 0);
}
SPI_INTERPOSED int __openat64_2(int directory_fd, const char* path, int flags) {
  return spi_open_anywhere(directory_fd, path, flags, 0);
}

SPI_INTERPOSED int creat(const char* path, mode_t mode) {
  return spi_open_anywhere(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

SPI_INTERPOSED int creat64(const char* path, mode_t mode) { return creat(path, mode); }

/// Flags of open(2) for a mode of fopen(3); -1 for one that it does not know.
static int flags_of(const char* mode) {
  int flags;
  switch (mode[0]) {
    case 'r':
      flags = O_RDONLY;
      break;
    case 'w':
      flags = O_WRONLY | O_CREAT | O_TRUNC;
      break;
    case 'a':
      flags = O_WRONLY | O_CREAT | O_APPEND;
      break;
    default:
      return -1;
  }
  for (const char* at = mode + 1; *at != 0 && *at != ','; at++) {
    if (*at == '+') flags = (flags & ~O_ACCMODE) | O_RDWR;
    if (*at == 'x') flags |= O_EXCL;
    if (*at == 'e') flags |= O_CLOEXEC;
  }
  return flags;
}

static FILE* open_stream(const char* path, const char* mode) {
  const int flags = flags_of(mode);
  if (flags < 0) return NULL;
  const int fd = spi_open_anywhere(AT_FDCWD, path, flags, 0666);
  if (fd < 0) return NULL;
  FILE* stream = fdopen(fd, mode);
  if (stream == NULL) close(fd);
  return stream;
}

typedef FILE* (*fopen_call)(const char*, const char*);

/// dlsym(3) gives an object pointer; this is how POSIX says to make a function of it.
static fopen_call next_fopen(void) {
  fopen_call next;
  *(void**)&next = dlsym(RTLD_NEXT, "fopen");
  return next;
}

static FILE* open_stream_anywhere(const char* path, const char* mode) {
  FILE* stream = next_fopen()(path, mode);
  const bool is_refused = stream == NULL && (errno == EACCES || errno == EPERM) && spi_guarded_channel() >= 0;
  return is_refused ? open_stream(path, mode) : stream;
}

SPI_INTERPOSED FILE* fopen(const char* path, const char* mode) { return open_stream_anywhere(path, mode); }
SPI_INTERPOSED FILE* fopen64(const char* path, const char* mode) { return open_stream_anywhere(path, mode); }

/// The stream stays; its file is exchanged. A change between reading and writing is not to be had this way.
static FILE* reopen_stream(const char* path, const char* mode, FILE* stream) {
  const int flags = flags_of(mode);
  const int access_mode = flags & O_ACCMODE;
  if (flags < 0 || fileno(stream) < 0 || (access_mode != O_RDONLY && !__fwritable(stream)) ||
      (access_mode != O_WRONLY && !__freadable(stream))) {
    fclose(stream);
    errno = flags < 0 ? EINVAL : EACCES;
    return NULL;
  }
  const int fd = spi_open_anywhere(AT_FDCWD, path, flags, 0666);
  if (fd < 0) {
    const int error = errno;
    fclose(stream);
    errno = error;
    return NULL;
  }
  fflush(stream);
  __fpurge(stream);
  clearerr(stream);
  dup3(fd, fileno(stream), (flags & O_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  close(fd);
  return stream;
}

typedef FILE* (*freopen_call)(const char*, const char*, FILE*);

static FILE* reopen_stream_anywhere(const char* path, const char* mode, FILE* stream) {
  freopen_call next;
  *(void**)&next = dlsym(RTLD_NEXT, "freopen");
  if (path == NULL || spi_guarded_channel() < 0) return next(path, mode, stream);
  // freopen(3) closes the stream when it fails: who is to open the file has to be known before.
  const int flags = flags_of(mode);
  const long kernel =
      flags < 0 ? -1 : syscall(SYS_openat, AT_FDCWD, path, (flags & ~(O_TRUNC | O_EXCL)) | O_CLOEXEC, 0666);
  if (kernel >= 0) syscall(SYS_close, kernel);
  if (kernel >= 0 || (errno != EACCES && errno != EPERM)) return next(path, mode, stream);
  return reopen_stream(path, mode, stream);
}

SPI_INTERPOSED FILE* freopen(const char* path, const char* mode, FILE* stream) {
  return reopen_stream_anywhere(path, mode, stream);
}
SPI_INTERPOSED FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  return reopen_stream_anywhere(path, mode, stream);
}

SPI_INTERPOSED DIR* opendir(const char* path) {
  const int fd = spi_open_anywhere(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) return NULL;
  DIR* stream = fdopendir(fd);
  if (stream == NULL) close(fd);
  return stream;
}
