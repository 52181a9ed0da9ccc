// Sets bits that the kernel ignores in the upper half of int arguments. high_bits CASE [PATH]
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "victim.h"

#define HIGH (1UL << 32)

int main(int argc, char** argv) {
  const char* which = argument(argc, argv, 1);
  if (strcmp(which, "socket") == 0) judge("socket", syscall(SYS_socket, AF_UNIX | HIGH, SOCK_DGRAM, 0));
  if (strcmp(which, "inet") == 0) judge("socket", syscall(SYS_socket, AF_INET | HIGH, SOCK_STREAM | HIGH, 0));
  if (strcmp(which, "pair") == 0) {
    int pair[2];
    judge("socketpair", syscall(SYS_socketpair, AF_UNIX | HIGH, SOCK_DGRAM | HIGH, 0, pair));
  }
  if (strcmp(which, "openat") == 0) {
    const char* path = argument(argc, argv, 2);
    attempt("O_WRONLY", syscall(SYS_openat, AT_FDCWD | HIGH, path, O_WRONLY | HIGH, 0));
    attempt("O_TRUNC", syscall(SYS_openat, (unsigned)AT_FDCWD, path, O_RDONLY | O_TRUNC | HIGH << 7, 0));
    attempt("open", syscall(SYS_open, path, O_RDWR | HIGH << 31, 0));
    verdict();
  }
  if (strcmp(which, "chmod") == 0) {
    const char* path = argument(argc, argv, 2);
    attempt("chmod", syscall(SYS_chmod, path, 0666 | HIGH));
    attempt("fchmodat", syscall(SYS_fchmodat, AT_FDCWD | HIGH, path, 0666 | HIGH));
    verdict();
  }
  if (strcmp(which, "tiocsti") == 0) judge("ioctl", syscall(SYS_ioctl, 0 | HIGH, TIOCSTI | HIGH, "x"));
  if (strcmp(which, "clone") == 0) {
    long child = syscall(SYS_clone, (unsigned)CLONE_NEWUSER | SIGCHLD | HIGH << 8, 0, 0, 0, 0);
    if (child == 0) _exit(0);
    judge("clone", child);
  }
  if (strcmp(which, "personality") == 0) judge("personality", syscall(SYS_personality, 0x0040000 | HIGH));
  finish(BROKEN, "no such case");
}
