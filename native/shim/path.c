#define _GNU_SOURCE
#include "shim/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/// Appends a segment; 0 or -ENAMETOOLONG.
static int append(char* path, size_t* length, const char* segment, size_t segment_length) {
  if (*length + 1 + segment_length > SPI_MAX_PATH_BYTES) return -ENAMETOOLONG;
  path[(*length)++] = '/';
  memcpy(path + *length, segment, segment_length);
  *length += segment_length;
  path[*length] = 0;
  return 0;
}

/// The name of an open directory; -ENOENT of one that has none any more.
static int name_of(int fd, char* path, size_t* length) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t got = readlink(link, path, SPI_MAX_PATH_BYTES);
  if (got < 0) return -errno;
  if (got == SPI_MAX_PATH_BYTES) return -ENAMETOOLONG;
  path[got] = 0;
  static const char kGone[] = " (deleted)";
  const size_t tail = sizeof kGone - 1;
  if (path[0] != '/' || ((size_t)got > tail && strcmp(path + got - tail, kGone) == 0)) return -ENOENT;
  *length = got == 1 ? 0 : (size_t)got;
  return 0;
}

static int go_up(char* path, size_t* length) {
  path[*length] = 0;
  char parent[SPI_PATH_ROOM + 3];
  snprintf(parent, sizeof parent, "%s/..", path);
  const int fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int wrong = name_of(fd, path, length);
  close(fd);
  return wrong;
}

static int start(int directory_fd, const char* path, char* absolute, size_t* length) {
  *length = 0;
  if (path[0] == '/') return 0;
  if (directory_fd != AT_FDCWD) return name_of(directory_fd, absolute, length);
  if (getcwd(absolute, SPI_PATH_ROOM) == NULL) return errno == ERANGE ? -ENAMETOOLONG : -errno;
  // A working directory outside of the root has a name in parentheses.
  if (absolute[0] != '/') return -ENOENT;
  *length = absolute[1] == 0 ? 0 : strlen(absolute);
  return 0;
}

int spi_absolute(int directory_fd, const char* path, char absolute[SPI_PATH_ROOM]) {
  if (path[0] == 0) return -ENOENT;
  size_t length;
  int wrong = start(directory_fd, path, absolute, &length);
  for (const char* at = path; wrong == 0 && *at != 0;) {
    const size_t segment = strcspn(at, "/");
    const bool is_here = segment == 0 || (segment == 1 && at[0] == '.');
    if (segment == 2 && at[0] == '.' && at[1] == '.') {
      wrong = go_up(absolute, &length);
    } else if (!is_here) {
      wrong = append(absolute, &length, at, segment);
    }
    at += segment;
    while (*at == '/') at++;
  }
  if (wrong != 0) return wrong;
  if (length == 0) absolute[length++] = '/';
  absolute[length] = 0;
  return 0;
}
