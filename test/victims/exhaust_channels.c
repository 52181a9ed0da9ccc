// Takes more channels than anyone needs, and holds as many as it gets. exhaust_channels OPENS
#include <sys/resource.h>

#include "victim.h"

int main(int argc, char** argv) {
  int opens = atoi(argument(argc, argv, 1));
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int held = 0, refused = 0, last = -1, first = -1;
  for (int at = 0; at < opens; at++) {
    int fd = open("/run/sallyport/broker", O_RDWR);
    if (fd < 0) {
      refused++;
      continue;
    }
    if (first < 0) first = fd;
    last = fd;
    held++;
  }
  int during = open("during", O_WRONLY | O_CREAT, 0600);
  for (int fd = first; fd >= 0 && fd <= last; fd++) close(fd);
  for (int turn = 0; turn < 3 * opens; turn++) {
    int fd = open("/run/sallyport/broker", O_RDWR);
    if (fd >= 0) close(fd);
  }
  put_file("after", "x", 0600);
  finish(during < 0 || !refused ? SUCCEEDED : REFUSED, "held %d refused %d, a file during that %s", held,
         refused, during < 0 ? "failed" : "opened");
}
