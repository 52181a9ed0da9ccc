// Connects to a listening Unix socket that lies outside. pathname_socket PATH
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
  for (int at = 0; at < 3; at++) {
    int fd = socket(AF_UNIX, types[at] | SOCK_CLOEXEC, 0);
    attempt("socket+connect", fd < 0 ? fd : connect(fd, (struct sockaddr*)&address, sizeof address));
    odd = 0;  // EPROTOTYPE of the two types that the listener does not have
  }
  verdict();
}
