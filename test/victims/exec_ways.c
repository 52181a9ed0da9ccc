// Executes a program in every way there is. exec_ways PROGRAM ALIAS: ALIAS is a hard link to it. It is a copy
// of this very victim, which answers "payload" with 42. Works in its current directory.
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "victim.h"

extern char** environ;

static int ends_with(const char* text, const char* end) {
  size_t size = strlen(text), wanted = strlen(end);
  return size >= wanted && strcmp(text + size - wanted, end) == 0;
}

static int status_of(int at, const char* path, int flags, char* const* command) {
  pid_t child = (pid_t)need("fork", fork());
  if (child == 0) {
    int silent = open("/dev/null", O_WRONLY);
    if (silent >= 0) dup2(silent, 2);
    syscall(SYS_execveat, at, path, command, environ, flags);
    _exit(errno == EACCES || errno == EPERM ? 126 : 125);
  }
  int status;
  need("waitpid", waitpid(child, &status, 0));
  // 127: the loader could not open it.
  int refused = WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127);
  errno = refused ? EACCES : EINVAL;
  return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : -1;
}

int main(int argc, char** argv) {
  if (argc > 1 && ends_with(argv[1], "payload")) return 42;
  char* program = (char*)argument(argc, argv, 1);
  char* alias = (char*)argument(argc, argv, 2);
  char* command[] = {program, "payload", NULL};
  attempt("directly", status_of(AT_FDCWD, program, 0, command));
  attempt("hard link", status_of(AT_FDCWD, alias, 0, command));
  need("symlink", symlink(program, "link"));
  attempt("symbolic link", status_of(AT_FDCWD, "link", 0, command));
  int held = (int)need("open", open(program, O_PATH));
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", held);
  attempt("descriptor", status_of(held, "", AT_EMPTY_PATH, command));
  attempt("/proc/self/fd", status_of(AT_FDCWD, name, 0, command));
  int from = (int)need("open", open(program, O_RDONLY));
  int to = (int)need("open", open("copy", O_WRONLY | O_CREAT, 0755));
  while (sendfile(to, from, NULL, 1 << 20) > 0) continue;
  close(to);
  attempt("copy", status_of(AT_FDCWD, "copy", 0, command));
  char script[4096];
  snprintf(script, sizeof script, "#!%s\n", program);
  put_file("payload", script, 0755);
  attempt("script", status_of(AT_FDCWD, "./payload", 0, (char*[]){"./payload", NULL}));
  char* loaded[] = {"/lib64/ld-linux-x86-64.so.2", program, "payload", NULL};
  attempt("loader", status_of(AT_FDCWD, loaded[0], 0, loaded));
  verdict();
}
