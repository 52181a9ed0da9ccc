// Runs a program that never was a file.
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "victim.h"

extern char** environ;

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "payload") == 0) return 42;
  int program = (int)need("open", open(argv[0], O_RDONLY));
  int memory = memfd_create("payload", MFD_CLOEXEC);
  if (memory < 0) judge("memfd_create", memory);
  while (sendfile(memory, program, NULL, 1 << 20) > 0) continue;
  char* again[] = {argv[0], "payload", NULL};
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) {
    syscall(SYS_execveat, memory, "", again, environ, AT_EMPTY_PATH);
    _exit(errno == EACCES || errno == EPERM ? REFUSED : BROKEN);
  }
  int status;
  need("waitpid", waitpid(child, &status, 0));
  errno = EACCES;
  judge("execveat of a memfd", WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1);
}
