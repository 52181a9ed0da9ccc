// Reads and writes the memory of another process. process_memory PID ADDRESS
#include <sys/uio.h>

#include "victim.h"

int main(int argc, char** argv) {
  pid_t pid = atoi(argument(argc, argv, 1));
  char byte = 'x';
  struct iovec local = {&byte, 1};
  struct iovec remote = {(void*)(uintptr_t)strtoull(argument(argc, argv, 2), NULL, 16), 1};
  attempt("process_vm_readv", process_vm_readv(pid, &local, 1, &remote, 1, 0));
  attempt("process_vm_writev", process_vm_writev(pid, &local, 1, &remote, 1, 0));
  attempt("kcmp", syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
  verdict();
}
