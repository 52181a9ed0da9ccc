// Changes a file through a descriptor that was opened for reading. descriptor_metadata FILE
#include <sys/time.h>
#include <sys/xattr.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* path = argument(argc, argv, 1);
  int fd = (int)need("open for reading", open(path, O_RDONLY));
  struct timespec times[2] = {{1, 0}, {1, 0}};
  char own[64];
  snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
  attempt("fchmod", fchmod(fd, 0666));
  attempt("fchmodat2 empty", syscall(452, fd, "", 0666, AT_EMPTY_PATH));
  attempt("chmod /proc", chmod(own, 0666));
  attempt("fchown", fchown(fd, 1, 1));
  attempt("fchownat empty", fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
  attempt("futimens", futimens(fd, times));
  attempt("utimensat null", syscall(SYS_utimensat, fd, NULL, times, 0));
  attempt("utimensat empty", utimensat(fd, "", times, AT_EMPTY_PATH));
  attempt("utimensat /proc", utimensat(AT_FDCWD, own, times, 0));
  attempt("fsetxattr", fsetxattr(fd, "user.victim", "x", 1, 0));
  attempt("setxattr /proc", setxattr(own, "user.victim2", "x", 1, 0));
  attempt("fremovexattr", fremovexattr(fd, "user.kept"));
  verdict();
}
