// Many processes open at once: each must be served. storm PROCESSES ROUNDS
#include <sys/wait.h>

#include "victim.h"

int main(int argc, char** argv) {
  int processes = atoi(argument(argc, argv, 1)), rounds = atoi(argument(argc, argv, 2));
  for (int at = 0; at < processes; at++) {
    if (need("fork", fork()) > 0) continue;
    char name[64];
    snprintf(name, sizeof name, "storm-%d", at);
    int failed = 0;
    for (int round = 0; round < rounds; round++) {
      int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
      if (fd < 0)
        failed++;
      else
        close(fd);
    }
    _exit(failed ? 1 : 0);
  }
  int status, bad = 0;
  while (wait(&status) > 0) bad += status != 0;
  finish(bad ? SUCCEEDED : REFUSED, "%d of %d processes met a failure", bad, processes);
}
