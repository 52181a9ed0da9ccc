// A process outside the run: prints its pid and the address of a byte, and waits to be told to end. Exits 7
// when it was changed.
#include "victim.h"

static volatile char byte = 'n';

int main(void) {
  printf("%d %lx\n", (int)getpid(), (unsigned long)(uintptr_t)&byte);
  fflush(stdout);
  char end;
  while (read(0, &end, 1) < 0 && errno == EINTR) continue;
  return byte == 'n' ? 0 : 7;
}
