// Many callers that wait at once: nobody else may have to wait for them. crowd PROCESSES
#include <poll.h>
#include <sys/wait.h>

#include "victim.h"

int main(int argc, char** argv) {
  int processes = atoi(argument(argc, argv, 1));
  need("mkfifo", mkfifo("pipe", 0600));
  alarm(60);
  for (int at = 0; at < processes; at++) {
    if (need("fork", fork()) == 0) _exit(open("pipe", O_WRONLY) >= 0 ? 0 : 1);
  }
  poll(NULL, 0, 300);
  for (int round = 0; round < 100; round++) put_file("beside", "x", 0600);
  int reader = (int)need("reader", open("pipe", O_RDONLY | O_NONBLOCK));
  int status, bad = 0;
  while (wait(&status) > 0) bad += status != 0;
  close(reader);
  finish(bad ? SUCCEEDED : REFUSED, "%d of %d were not let go", bad, processes);
}
