// Asks for a supervisor of its own, to be asked in the broker's place; then opens outside. nested_notify
// OUTSIDE_FILE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* outside = argument(argc, argv, 1);
  struct sock_filter all[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {4, all};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int listener =
      (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener >= 0) finish(SUCCEEDED, "a listener of its own");
  int said = errno;
  all[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
  put_file("still-served", "x", 0600);
  printf("NEW_LISTENER %s, ", strerrorname_np(said));
  judge("open", open(outside, O_WRONLY));
}
