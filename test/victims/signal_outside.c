// Signals a process outside the run by every call there is. signal_outside PID|file:NAME (0: the parent)
// SIGNAL
#include "victim.h"

int main(int argc, char** argv) {
  const char* whom = argument(argc, argv, 1);
  int number = atoi(argument(argc, argv, 2));
  char text[32] = "";
  if (strncmp(whom, "file:", 5) == 0) {
    need("read", read((int)need("open", open(whom + 5, O_RDONLY)), text, sizeof text - 1));
    whom = text;
  }
  pid_t pid = atoi(whom);
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
