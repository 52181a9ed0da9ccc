// Leaves a process behind that has cut every tie, ignores what can be ignored and holds a file open for
// writing. daemon FILE Prints the pid of the one that is left, and waits, as the other one does.
#include <sys/wait.h>

#include "victim.h"

int main(int argc, char** argv) {
  int fd = (int)need("open", open(argument(argc, argv, 1), O_WRONLY | O_CREAT, 0600));
  int told[2];
  need("pipe", pipe(told));
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) {
    setsid();
    if (fork() > 0) _exit(0);
    for (int number = 1; number < 32; number++) signal(number, SIG_IGN);
    if (chdir("/") < 0) _exit(1);
    pid_t own = getpid();
    if (write(told[1], &own, sizeof own) < 0) _exit(1);
    close(0), close(1), close(2), close(told[0]), close(told[1]);
    for (;;) {
      if (write(fd, "x", 1) < 0) _exit(1);
      usleep(1000);
    }
  }
  need("waitpid", waitpid(child, NULL, 0));
  pid_t left;
  need("read", read(told[0], &left, sizeof left));
  printf("%d\n", (int)left);
  fflush(stdout);
  if (argc > 2) return 0;
  for (;;) pause();
}
