// Changes every one of many small files once: replace DIR N truncate|append|unlink. The files are DIR/f0 to
// DIR/f<N-1>, and are there already. Prints {"wallNs": …, "cpuNs": …} for one file; CPU is that of this
// program.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void change(const char* path, const char* how) {
  static char content[4096];
  if (strcmp(how, "unlink") == 0) {
    if (unlink(path) != 0) exit(125);
    return;
  }
  int fd = open(path, O_WRONLY | (strcmp(how, "append") == 0 ? O_APPEND : O_TRUNC));
  if (fd < 0 || write(fd, content, sizeof content) != sizeof content || close(fd) != 0) exit(125);
}

int main(int argc, char** argv) {
  if (argc != 4) return 125;
  int count = atoi(argv[2]);
  char path[4096];
  double wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  for (int number = 0; number < count; number++) {
    snprintf(path, sizeof path, "%s/f%d", argv[1], number);
    change(path, argv[3]);
  }
  printf("{\"wallNs\": %.0f, \"cpuNs\": %.0f}\n", (now_ns(CLOCK_MONOTONIC) - wall) / count,
         (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / count);
  return 0;
}
