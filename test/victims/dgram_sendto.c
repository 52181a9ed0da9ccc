// A datagram socket of a pair can still address any pathname socket. dgram_sendto PATH
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int pair[2];
  int types[] = {SOCK_DGRAM, SOCK_DGRAM | SOCK_CLOEXEC, SOCK_RAW, SOCK_DGRAM | SOCK_NONBLOCK};
  for (int at = 0; at < 4; at++) {
    if (socketpair(AF_UNIX, types[at], 0, pair) < 0) {
      attempt("socketpair", -1);
      continue;
    }
    attempt("sendto", sendto(pair[0], "hello", 5, 0, (struct sockaddr*)&address, sizeof address));
  }
  verdict();
}
