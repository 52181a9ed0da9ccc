// Opens a file through the 32-bit entry of the kernel, whose numbers differ. int80 PATH
#include <sys/mman.h>

#include "victim.h"

int main(int argc, char** argv) {
  char* low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) finish(BROKEN, "no memory below 4 GiB");
  strncpy(low, argument(argc, argv, 1), 4095);
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(5L), "b"((long)(uintptr_t)low), "c"((long)O_WRONLY), "d"(0L)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result < 0) errno = (int)-result;
  judge("int80 open", result < 0 ? -1 : 0);
}
