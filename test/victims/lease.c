// Holds leases on files that others then change: whoever breaks a lease waits for its holder, who does not
// let go.
#include <sys/wait.h>
#include <time.h>

#include "victim.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static pid_t act(const char* path, int way) {
  pid_t child = (pid_t)need("fork", fork());
  if (child > 0) return child;
  if (way == 0) close(open(path, O_WRONLY));
  if (way == 1 && truncate(path, 0) < 0) _exit(1);
  if (way == 2) close(open(path, O_WRONLY | O_TRUNC));
  if (way == 3 && rename(path, "renamed") < 0) _exit(1);
  if (way == 4 && chmod(path, 0600) < 0) _exit(1);
  _exit(0);
}

int main(void) {
  signal(SIGIO, SIG_IGN);
  char name[5][16];
  pid_t children[5];
  for (int at = 0; at < 5; at++) {
    snprintf(name[at], sizeof name[at], "leased-%d", at);
    put_file(name[at], "x", 0600);
    int fd = (int)need("open", open(name[at], O_RDONLY));
    need("F_SETLEASE", fcntl(fd, F_SETLEASE, F_RDLCK));
  }
  double start = now();
  for (int at = 0; at < 5; at++) children[at] = act(name[at], at);
  for (int round = 0; round < 100; round++) put_file("beside", "x", 0600);
  double seconds = now() - start;
  for (int at = 0; at < 5; at++) kill(children[at], SIGKILL);
  for (int at = 0; at < 5; at++) waitpid(children[at], NULL, 0);
  finish(seconds > 5 ? SUCCEEDED : REFUSED, "100 opens beside a held lease took %.2f s", seconds);
}
