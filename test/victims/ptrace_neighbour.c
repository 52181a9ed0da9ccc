// Takes hold of a process of the same user. ptrace_neighbour PID
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "victim.h"

int main(int argc, char** argv) {
  pid_t pid = atoi(argument(argc, argv, 1));
  if (attempt("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, pid, 0, 0))) {
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
  }
  if (attempt("PTRACE_ATTACH", ptrace(PTRACE_ATTACH, pid, 0, 0))) {
    waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
  }
  verdict();
}
