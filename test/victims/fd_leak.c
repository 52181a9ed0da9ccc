// Lists its own descriptors: whatever is there beside its streams was left by mistake.
#include "victim.h"

int main(void) {
  const char* channel = getenv("SALLYPORT_FD");
  for (int fd = 3; fd < 65536; fd++) {
    if (fcntl(fd, F_GETFD) < 0 || (channel && atoi(channel) == fd)) continue;
    char name[64], target[256];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    if (!attempt(target, 0)) break;
  }
  errno = EACCES;
  if (!won) attempt("no descriptor beside 0, 1 and 2", -1);
  verdict();
}
