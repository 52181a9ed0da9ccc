// connect PORT|PATH COUNT: connects to 127.0.0.1:PORT or to the Unix socket PATH, sends a byte, reads until
// the end. Prints the mean nanoseconds of connect(2) alone and of the whole exchange.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static socklen_t fill(const char* where, struct sockaddr_storage* out) {
  if (where[0] == '/') {
    struct sockaddr_un* to = (struct sockaddr_un*)out;
    to->sun_family = AF_UNIX;
    strncpy(to->sun_path, where, sizeof to->sun_path - 1);
    return sizeof *to;
  }
  struct sockaddr_in* to = (struct sockaddr_in*)out;
  to->sin_family = AF_INET;
  to->sin_port = htons((unsigned short)atoi(where));
  to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return sizeof *to;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int count = atoi(argv[2]);
  struct sockaddr_storage to;
  memset(&to, 0, sizeof to);
  const socklen_t size = fill(argv[1], &to);
  double connects = 0;
  double whole = 0;
  for (int i = 0; i < count; i++) {
    char byte = 'x';
    const double start = now();
    const int fd = socket(to.ss_family, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&to, size) != 0) return 1;
    connects += now() - start;
    if (send(fd, &byte, 1, 0) != 1) return 1;
    int got = 0;
    while (recv(fd, &byte, 1, 0) == 1) got++;
    if (got != 1) return 1;
    close(fd);
    whole += now() - start;
  }
  printf("%f %f\n", connects / count, whole / count);
  return 0;
}
