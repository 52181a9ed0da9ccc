// Temporary files: libc makes their names and opens them by itself.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/preload/preload.h"

enum { kLetters = 6, kTries = 100 };

/// Where the six X of a template are; NULL and EINVAL without them.
static char* letters_of(char* template, int suffix_length) {
  const size_t length = strlen(template);
  if (suffix_length < 0 || length < (size_t)suffix_length + kLetters) {
    errno = EINVAL;
    return NULL;
  }
  char* letters = template + length - (size_t)suffix_length - kLetters;
  if (strncmp(letters, "XXXXXX", kLetters) == 0) return letters;
  errno = EINVAL;
  return NULL;
}

static int choose(char* letters) {
  static const char kAlphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  uint8_t random[kLetters];
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return -1;
  for (size_t at = 0; at < kLetters; at++) letters[at] = kAlphabet[random[at] % (sizeof kAlphabet - 1)];
  return 0;
}

static int make_file(char* template, int suffix_length, int flags) {
  char* letters = letters_of(template, suffix_length);
  if (letters == NULL) return -1;
  for (int tries = 0; tries < kTries && choose(letters) == 0; tries++) {
    const int fd =
        spi_open_anywhere(AT_FDCWD, template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0) return fd;
    if (errno != EEXIST) break;
  }
  memcpy(letters, "XXXXXX", kLetters);
  return -1;
}

SPI_INTERPOSED int mkstemp(char* template) { return make_file(template, 0, 0); }
SPI_INTERPOSED int mkstemp64(char* template) { return make_file(template, 0, 0); }
SPI_INTERPOSED int mkostemp(char* template, int flags) { return make_file(template, 0, flags); }
SPI_INTERPOSED int mkostemp64(char* template, int flags) { return make_file(template, 0, flags); }
SPI_INTERPOSED int mkstemps(char* template, int suffix_length) {
  return make_file(template, suffix_length, 0);
}
SPI_INTERPOSED int mkstemps64(char* template, int suffix_length) {
  return make_file(template, suffix_length, 0);
}
SPI_INTERPOSED int mkostemps(char* template, int suffix_length, int flags) {
  return make_file(template, suffix_length, flags);
}
SPI_INTERPOSED int mkostemps64(char* template, int suffix_length, int flags) {
  return make_file(template, suffix_length, flags);
}

SPI_INTERPOSED char* mkdtemp(char* template) {
  char* letters = letters_of(template, 0);
  if (letters == NULL) return NULL;
  for (int tries = 0; tries < kTries && choose(letters) == 0; tries++) {
    if (mkdir(template, 0700) == 0) return template;
    if (errno != EEXIST) break;
  }
  memcpy(letters, "XXXXXX", kLetters);
  return NULL;
}

static FILE* make_stream(void) {
  const char* place = getenv("TMPDIR");
  char template[SPI_PATH_ROOM];
  const int length =
      snprintf(template, sizeof template, "%s/tmpfXXXXXX", place != NULL && place[0] == '/' ? place : "/tmp");
  if (length < 0 || (size_t)length >= sizeof template) {
    errno = ENAMETOOLONG;
    return NULL;
  }
  const int fd = make_file(template, 0, O_CLOEXEC);
  if (fd < 0) return NULL;
  unlink(template);
  FILE* stream = fdopen(fd, "w+");
  if (stream == NULL) close(fd);
  return stream;
}

SPI_INTERPOSED FILE* tmpfile(void) { return make_stream(); }
SPI_INTERPOSED FILE* tmpfile64(void) { return make_stream(); }
