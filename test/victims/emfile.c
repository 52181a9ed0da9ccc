// Runs out of descriptors: each failing open must say so, and leave the broker whole.
#include <sys/resource.h>

#include "victim.h"

int main(void) {
  struct rlimit few = {32, 32};
  need("setrlimit", setrlimit(RLIMIT_NOFILE, &few));
  int last = -1, opened = 0, other = 0, full = 0;
  for (int round = 0; round < 500; round++) {
    int fd = open("many", O_WRONLY | O_CREAT, 0600);
    if (fd >= 0) {
      last = fd;
      opened++;
    } else if (errno == EMFILE) {
      full++;
    } else {
      other++;
    }
  }
  if (last >= 0) close(last);
  int after = open("many", O_WRONLY);
  finish(other || !full || after < 0 ? SUCCEEDED : REFUSED, "opened %d full %d other %d, afterwards %d",
         opened, full, other, after);
}
