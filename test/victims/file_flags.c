// Sets inode flags through a descriptor that was opened for reading. file_flags FILE
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "victim.h"

int main(int argc, char** argv) {
  int fd = (int)need("open for reading", open(argument(argc, argv, 1), O_RDONLY));
  unsigned long flags = FS_NODUMP_FL;
  struct fsxattr extended = {.fsx_xflags = FS_XFLAG_NODUMP};
  attempt("FS_IOC_SETFLAGS", ioctl(fd, FS_IOC_SETFLAGS, &flags));
  attempt("FS_IOC_SETFLAGS and a high bit", syscall(SYS_ioctl, fd, FS_IOC_SETFLAGS | 1UL << 32, &flags));
  attempt("FS_IOC_FSSETXATTR", ioctl(fd, FS_IOC_FSSETXATTR, &extended));
  odd = 0;  // EOPNOTSUPP of a file system without flags
  verdict();
}
