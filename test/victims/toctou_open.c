// Flips the path under the broker's eyes: one thread rewrites the string while another opens it.
// toctou_open read|write ALLOWED FORBIDDEN ROUNDS; both names of equal length.
#include <pthread.h>
#include <stdatomic.h>

#include "victim.h"

static char path[4096];
static const char* names[2];
static atomic_int stop, started;

static void* flip(void* unused) {
  (void)unused;
  size_t length = strlen(names[0]);
  for (unsigned turn = 0; !atomic_load_explicit(&stop, memory_order_relaxed); turn++) {
    memcpy(path, names[turn & 1], length);
    if (turn == 100) atomic_store(&started, 1);
    for (volatile int pause = 0; pause < 40; pause++) continue;
  }
  return NULL;
}

int main(int argc, char** argv) {
  int flags = strcmp(argument(argc, argv, 1), "write") == 0 ? O_WRONLY : O_RDONLY;
  names[0] = argument(argc, argv, 2);
  names[1] = argument(argc, argv, 3);
  int rounds = atoi(argument(argc, argv, 4));
  struct stat forbidden;
  need("stat of the forbidden file", stat(names[1], &forbidden));
  if (strlen(names[0]) != strlen(names[1])) finish(BROKEN, "names of unequal length");
  strcpy(path, names[0]);
  pthread_t flipper;
  pthread_create(&flipper, NULL, flip, NULL);
  while (!atomic_load(&started)) continue;
  int allowed = 0, reached = 0, refused = 0, limited = 0, other = 0;
  // On one busy core the two threads may take long turns: go on until both names have been met.
  for (int round = 0; round < rounds || (round < 20 * rounds && (!allowed || !(reached + refused)));
       round++) {
    int fd = open(path, flags);
    if (fd < 0) {
      if (errno == EDQUOT)
        limited++;
      else if (errno == EACCES || errno == EPERM)
        refused++;
      else
        other++;
      continue;
    }
    struct stat opened;
    need("fstat", fstat(fd, &opened));
    if (opened.st_ino == forbidden.st_ino && opened.st_dev == forbidden.st_dev)
      reached++;
    else
      allowed++;
    close(fd);
  }
  atomic_store(&stop, 1);
  pthread_join(flipper, NULL);
  int fair = allowed > 0 && (reached > 0 || refused > 0);
  finish(reached ? SUCCEEDED
         : fair  ? REFUSED
                 : BROKEN,
         "reached %d allowed %d refused %d limited %d other %d", reached, allowed, refused, limited, other);
}
