// Connects to a TCP port of this machine. tcp_connect PORT
#include <arpa/inet.h>
#include <sys/socket.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argument(argc, argv, 1)))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  struct sockaddr_in6 address6 = {.sin6_family = AF_INET6, .sin6_port = address.sin_port};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &address6.sin6_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  attempt("inet", fd < 0 ? fd : connect(fd, (struct sockaddr*)&address, sizeof address));
  int fd6 = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
  attempt("inet6", fd6);
  verdict();
}
