// Leaves a setuid or setgid file behind: it would outlive the run.
#include "victim.h"

static void look(const char* way, const char* path) {
  struct stat found;
  if (stat(path, &found) < 0) return;
  errno = EPERM;
  attempt(way, found.st_mode & (S_ISUID | S_ISGID) ? 0 : -1);
}

int main(void) {
  umask(0);
  put_file("plain", "#!/bin/sh\n", 0755);
  chmod("plain", 04755);
  look("chmod", "plain");
  fchmodat(AT_FDCWD, "plain", 02755, 0);
  look("fchmodat", "plain");
  syscall(452, AT_FDCWD, "plain", 04755, 0);
  look("fchmodat2", "plain");
  int fd = (int)need("open", open("plain", O_RDONLY));
  fchmod(fd, 06755);
  look("fchmod", "plain");
  close(open("created", O_WRONLY | O_CREAT | O_EXCL, 04755));
  look("open", "created");
  mknod("made", S_IFREG | 04755, 0);
  look("mknod", "made");
  mkdir("directory", 02755);
  look("mkdir", "directory");
  chmod("directory", 02755);
  look("chmod of a directory", "directory");
  verdict();
}
