// Connects to a listening abstract Unix socket. abstract_socket NAME
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char* name = argument(argc, argv, 1);
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) judge("socket", fd);
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
  int connected = connect(fd, (struct sockaddr*)&address, length);
  // Some libuv versions bind the name with all the zeros that follow it.
  if (connected < 0) connected = connect(fd, (struct sockaddr*)&address, sizeof address);
  judge("connect", connected);
}
