// Makes a device node for the disk that holds everything.
#include <sys/sysmacros.h>

#include "victim.h"

int main(void) {
  attempt("block", mknod("disk", S_IFBLK | 0600, makedev(254, 0)));
  attempt("character", mknodat(AT_FDCWD, "memory", S_IFCHR | 0600, makedev(1, 1)));
  attempt("null", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
  verdict();
}
