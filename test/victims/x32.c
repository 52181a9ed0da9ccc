// Opens a file by the x32 number of openat(2). x32 PATH
#include "victim.h"

int main(int argc, char** argv) {
  judge("x32 openat", syscall(0x40000000L | 257, AT_FDCWD, argument(argc, argv, 1), O_WRONLY, 0));
}
