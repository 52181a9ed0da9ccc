// Connects while what the address means changes: its bytes, or the link that it names. The allowed socket is
// this program's own, and says so; whoever answers otherwise was the forbidden one.
// toctou_connect address|link ALLOWED FORBIDDEN ROUNDS; both names of equal length.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static const char* names[2];
static int by_link;
static atomic_int stop, started;

static void* flip(void* unused) {
  (void)unused;
  size_t length = strlen(names[0]);
  for (unsigned turn = 0; !atomic_load_explicit(&stop, memory_order_relaxed); turn++) {
    if (by_link) {
      unlink("fresh");
      symlink(names[turn & 1], "fresh");
      rename("fresh", "link");
    } else {
      memcpy(address.sun_path, names[turn & 1], length);
      for (volatile int pause = 0; pause < 40; pause++) continue;
    }
    if (turn == 100) atomic_store(&started, 1);
  }
  return NULL;
}

static void* answer(void* socket) {
  int listener = *(int*)socket;
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    if (write(fd, "o", 1) != 1) continue;
    close(fd);
  }
  return NULL;
}

int main(int argc, char** argv) {
  by_link = strcmp(argument(argc, argv, 1), "link") == 0;
  names[0] = argument(argc, argv, 2);
  names[1] = argument(argc, argv, 3);
  int rounds = atoi(argument(argc, argv, 4));
  if (strlen(names[0]) != strlen(names[1])) finish(BROKEN, "names of unequal length");
  strcpy(address.sun_path, names[0]);
  int own = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  need("bind", bind(own, (struct sockaddr*)&address, sizeof address));
  need("listen", listen(own, 100));
  pthread_t flipper, server;
  pthread_create(&server, NULL, answer, &own);
  if (by_link) strcpy(address.sun_path, "link");
  pthread_create(&flipper, NULL, flip, NULL);
  while (!atomic_load(&started)) continue;
  int allowed = 0, reached = 0, refused = 0, limited = 0, other = 0;
  for (int round = 0; round < rounds || (round < 20 * rounds && (!allowed || !(reached + refused)));
       round++) {
    int fd = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    char byte = 0;
    if (connect(fd, (struct sockaddr*)&address, sizeof address) == 0) {
      if (read(fd, &byte, 1) == 1 && byte == 'o')
        allowed++;
      else
        reached++;
    } else if (errno == EACCES || errno == EPERM) {
      refused++;
    } else if (errno == EDQUOT) {
      limited++;
    } else {
      other++;
    }
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
