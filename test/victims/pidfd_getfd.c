// Takes a descriptor out of another process. pidfd_getfd PID
#include "victim.h"

int main(int argc, char** argv) {
  int process = (int)syscall(SYS_pidfd_open, atoi(argument(argc, argv, 1)), 0);
  if (process < 0) judge("pidfd_open", process);
  judge("pidfd_getfd", syscall(SYS_pidfd_getfd, process, 0, 0));
}
