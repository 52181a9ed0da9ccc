// Takes the processor and the limits away from a process outside the run. starve_outside PID (0: the parent)
#include <sched.h>
#include <sys/resource.h>

#include "victim.h"

int main(int argc, char** argv) {
  pid_t pid = atoi(argument(argc, argv, 1));
  if (pid == 0) pid = getppid();
  struct rlimit none = {0, 0};
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  struct sched_param parameters = {0};
  attempt("prlimit", prlimit(pid, RLIMIT_FSIZE, &none, NULL));
  attempt("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
  attempt("setpriority of the user", setpriority(PRIO_USER, 0, 1));
  attempt("sched_setaffinity", sched_setaffinity(pid, sizeof one, &one));
  attempt("sched_setscheduler", sched_setscheduler(pid, SCHED_IDLE, &parameters));
  attempt("ioprio_set", syscall(SYS_ioprio_set, 1, pid, 3 << 13));
  attempt("process_madvise", syscall(SYS_process_madvise, -1, NULL, 0, 20, 0) < 0 && errno == EBADF ? 0 : -1);
  verdict();
}
