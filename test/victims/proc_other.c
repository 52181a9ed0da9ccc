// Reads and writes other processes through /proc. proc_other PID (0: the parent)
#include "victim.h"

int main(int argc, char** argv) {
  int pid = atoi(argument(argc, argv, 1));
  if (pid == 0) pid = (int)getppid();
  const char* entries[] = {"mem", "environ", "maps", "auxv", "root/etc/shadow", "cwd/.", "exe"};
  char path[256];
  for (size_t at = 0; at < sizeof entries / sizeof *entries; at++) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, entries[at]);
    attempt(entries[at], open(path, O_RDONLY));
  }
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  attempt("mem for writing", open(path, O_RDWR));
  snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
  attempt("oom_score_adj for writing", open(path, O_WRONLY));
  snprintf(path, sizeof path, "/proc/%d/task/%d/environ", pid, pid);
  attempt("task/environ", open(path, O_RDONLY));
  verdict();
}
