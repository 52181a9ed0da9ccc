#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/channel.h"
#include "shim/preload/preload.h"

/// Above what a program uses by number; shells take 3 to 9 and 255.
enum { kOutOfTheWay = 400 };

static int guarded_channel = -1;
/// The process that this memory belongs to: a child of vfork(2) has another id and the same memory.
static pid_t self;
static _Atomic(sp_client*) the_client;
static _Thread_local bool is_inside;

static void note_child(void) { self = getpid(); }

__attribute__((constructor)) static void begin(void) {
  self = getpid();
  pthread_atfork(NULL, NULL, note_child);
  const int inherited = spi_inherited_channel();
  guarded_channel = inherited;
  if (inherited < 0 || inherited >= kOutOfTheWay) return;
  const int moved = fcntl(inherited, F_DUPFD, kOutOfTheWay);
  if (moved < 0) return;
  // In its place: what setenv() makes of it a shell with functions of its own would not see.
  static char variable[sizeof SPI_INHERITED_VARIABLE + 16];
  snprintf(variable, sizeof variable, "%s%d", SPI_INHERITED_VARIABLE, moved);
  *spi_inherited_variable() = variable;
  syscall(SYS_close, inherited);
  guarded_channel = moved;
}

int spi_guarded_channel(void) { return guarded_channel; }

static sp_client* connected(void) {
  sp_client* client = atomic_load(&the_client);
  if (client != NULL) return client;
  if (sp_connect(&client, NULL) != 0) return NULL;
  sp_client* first = NULL;
  if (atomic_compare_exchange_strong(&the_client, &first, client)) return client;
  sp_close(client);
  return first;
}

static bool begin_ask(spi_ask_state* state) {
  state->kernel_error = errno;
  if (guarded_channel < 0 || is_inside || getpid() != self) return false;
  is_inside = true;
  state->failure = (sp_failure)SP_FAILURE_INIT;
  state->client = connected();
  if (state->client != NULL) return true;
  is_inside = false;
  errno = state->kernel_error;
  return false;
}

bool spi_begin_ask(long result, spi_ask_state* state) {
  return result < 0 && (errno == EACCES || errno == EPERM) && begin_ask(state);
}

bool spi_begin_ask_across(long result, spi_ask_state* state) {
  return result < 0 && (errno == EACCES || errno == EPERM || errno == EXDEV) && begin_ask(state);
}

int spi_end_ask(spi_ask_state* state, int answer) {
  const sp_code code = state->failure.code;
  sp_failure_clear(&state->failure);
  int error = answer < 0 ? -answer : 0;
  if (code == SP_GONE || code == SP_PROTOCOL) {
    // The next call tries a new channel. The old client is left: another thread may be about to learn the
    // same.
    atomic_compare_exchange_strong(&the_client, &state->client, NULL);
    error = state->kernel_error;
  }
  is_inside = false;
  if (answer >= 0) return answer;
  errno = error;
  return -1;
}

int spi_path_of(int fd, char absolute[SPI_PATH_ROOM]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, absolute, SPI_PATH_ROOM - 1);
  if (length < 0) return -errno;
  absolute[length] = 0;
  struct stat open_file, named;
  if (absolute[0] != '/' || fstat(fd, &open_file) != 0 || lstat(absolute, &named) != 0) return -EPERM;
  return open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino ? 0 : -EPERM;
}
