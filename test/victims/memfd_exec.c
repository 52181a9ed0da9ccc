// Runs a program that never was a file, in every way there is.
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "victim.h"

extern char** environ;

// linux/memfd.h, since 6.3
enum { NOEXEC_SEAL = 8, EXECUTABLE = 16 };

static int status_of(int at, const char* path, int flags, char* const* command) {
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) {
    syscall(SYS_execveat, at, path, command, environ, flags);
    _exit(errno == EACCES || errno == EPERM ? REFUSED : BROKEN);
  }
  int status;
  need("waitpid", waitpid(child, &status, 0));
  errno = WIFEXITED(status) && WEXITSTATUS(status) == REFUSED ? EACCES : EINVAL;
  return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1;
}

static void execute(const char* kind, unsigned flags, char* self) {
  char way[64], name[64];
  int memory = memfd_create("payload", MFD_CLOEXEC | flags);
  if (memory < 0) {
    attempt(kind, memory);
    return;
  }
  int program = (int)need("open", open(self, O_RDONLY));
  while (sendfile(memory, program, NULL, 1 << 20) > 0) continue;
  close(program);
  // A descriptor that can be written keeps its file from being executed.
  snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
  int readable = open(name, O_RDONLY | O_CLOEXEC);
  (void)fchmod(memory, 0755);
  if (readable >= 0)
    close(memory);
  else
    readable = memory;
  snprintf(name, sizeof name, "/proc/self/fd/%d", readable);
  char* again[] = {self, "payload", NULL};
  snprintf(way, sizeof way, "%s: execveat", kind);
  attempt(way, status_of(readable, "", AT_EMPTY_PATH, again));
  snprintf(way, sizeof way, "%s: /proc/self/fd", kind);
  attempt(way, status_of(AT_FDCWD, name, 0, again));
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "payload") == 0) return 42;
  execute("plain", 0, argv[0]);
  execute("MFD_EXEC", EXECUTABLE, argv[0]);
  execute("MFD_NOEXEC_SEAL", NOEXEC_SEAL, argv[0]);
  verdict();
}
