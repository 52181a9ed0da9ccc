// Kills, stops and continues callers while their calls are being served. kill_while_pending ROUNDS
#include <poll.h>
#include <sys/wait.h>

#include "victim.h"

int main(int argc, char** argv) {
  int rounds = atoi(argument(argc, argv, 1));
  need("mkfifo", mkfifo("pipe", 0600));
  for (int round = 0; round < rounds; round++) {
    pid_t child = (pid_t)need("fork", fork());
    if (child == 0) {
      if (round % 2) open("pipe", O_WRONLY);
      for (int at = 0;; at++) {
        char name[64];
        snprintf(name, sizeof name, "pending-%d", at % 8);
        close(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600));
        rename(name, "renamed");
      }
    }
    poll(NULL, 0, round % 5);
    kill(child, SIGSTOP);
    if (round % 3 == 0) kill(child, SIGCONT);
    kill(child, SIGKILL);
    need("waitpid", waitpid(child, NULL, 0));
  }
  pid_t stopped = (pid_t)need("fork", fork());
  if (stopped == 0) _exit(open("pipe", O_WRONLY) >= 0 ? 0 : 1);
  poll(NULL, 0, 20);
  kill(stopped, SIGSTOP);
  int reader = (int)need("reader", open("pipe", O_RDONLY | O_NONBLOCK));
  kill(stopped, SIGCONT);
  int status;
  need("waitpid", waitpid(stopped, &status, 0));
  close(reader);
  put_file("after", "x", 0600);
  int served = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  finish(served ? REFUSED : SUCCEEDED, "the stopped caller ended with %d", status);
}
