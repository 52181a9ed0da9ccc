// Connects a stream socket to a path. connect_stream PATH
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int fd = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  judge("connect", connect(fd, (struct sockaddr*)&address, sizeof address));
}
