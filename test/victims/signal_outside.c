// Signals a process outside the run by every call there is. signal_outside PID (0: the parent); nothing it sends would harm.
#include <poll.h>

#include "victim.h"

int main(int argc, char** argv) {
  pid_t pid = atoi(argument(argc, argv, 1));
  int number = argc > 2 ? atoi(argv[2]) : 0;
  if (pid == 0) pid = getppid();
  siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
  attempt("kill", kill(pid, number));
  attempt("tgkill", syscall(SYS_tgkill, pid, pid, number));
  attempt("tkill", syscall(SYS_tkill, pid, number));
  attempt("rt_sigqueueinfo", syscall(SYS_rt_sigqueueinfo, pid, number, &info));
  attempt("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, pid, pid, number, &info));
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process >= 0) attempt("pidfd_send_signal", syscall(SYS_pidfd_send_signal, process, number, NULL, 0));
  verdict();
}
