// Lets the dynamic linker run what may not be executed. ldso_exec PROGRAM; the program exits 42.
#include <sys/wait.h>

#include "victim.h"

static int status_of(char* const* command) {
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) {
    int silent = open("/dev/null", O_WRONLY);
    if (silent >= 0) dup2(silent, 2);
    execv(command[0], command);
    _exit(126);
  }
  int status;
  need("waitpid", waitpid(child, &status, 0));
  errno = EACCES;
  return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1;
}

int main(int argc, char** argv) {
  char* program = (char*)argument(argc, argv, 1);
  attempt("directly", status_of((char*[]){program, "payload", NULL}));
  attempt("ld.so", status_of((char*[]){"/lib64/ld-linux-x86-64.so.2", program, "payload", NULL}));
  verdict();
}
