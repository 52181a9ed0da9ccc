// Opens what it holds for reading again for writing, through /proc. proc_upgrade FILE | proc_upgrade -
// (descriptor 0)
#include "victim.h"

int main(int argc, char** argv) {
  const char* path = argument(argc, argv, 1);
  int fd = strcmp(path, "-") == 0 ? 0 : (int)need("open for reading", open(path, O_RDONLY));
  char name[4096];
  const char* forms[] = {"/proc/self/fd/%d", "/proc/thread-self/fd/%d", "/dev/fd/%d",
                         "/proc/self/task/../fd/%d"};
  for (int at = 0; at < 4; at++) {
    snprintf(name, sizeof name, forms[at], fd);
    attempt(name, open(name, O_RDWR));
    attempt("O_WRONLY", open(name, O_WRONLY));
    attempt("O_TRUNC", open(name, O_RDONLY | O_TRUNC));
    attempt("truncate", truncate(name, 0));
  }
  snprintf(name, sizeof name, "/proc/%d/fd/%d", (int)getpid(), fd);
  attempt("/proc/PID/fd/N", open(name, O_RDWR));
  int same = open(name, O_PATH);
  if (same >= 0) {
    snprintf(name, sizeof name, "/proc/self/fd/%d", same);
    attempt("O_PATH between", open(name, O_RDWR));
  }
  if (fd == 0) attempt("/dev/stdin", open("/dev/stdin", O_RDWR));
  verdict();
}
