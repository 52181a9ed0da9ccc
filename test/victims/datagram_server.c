// Holds a datagram socket at a path and prints a line for each message, until its input ends. datagram_server
// PATH
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int fd = (int)need("socket", socket(AF_UNIX, SOCK_DGRAM, 0));
  need("bind", bind(fd, (struct sockaddr*)&address, sizeof address));
  puts("ready");
  fflush(stdout);
  for (;;) {
    char bytes[64];
    struct pollfd wait[2] = {{fd, POLLIN, 0}, {0, POLLIN, 0}};
    poll(wait, 2, -1);
    if (wait[0].revents && recv(fd, bytes, sizeof bytes, 0) >= 0) puts("reached");
    fflush(stdout);
    if (wait[1].revents) return 0;
  }
}
