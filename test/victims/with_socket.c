// Starts a program whose input is an unconnected TCP socket. with_socket PROGRAM ARGUMENT…
#include <sys/socket.h>

#include "victim.h"

int main(int argc, char** argv) {
  argument(argc, argv, 1);
  int fd = (int)need("socket", socket(AF_INET, SOCK_STREAM, 0));
  if (fd != 0) need("dup2", dup2(fd, 0));
  execvp(argv[1], argv + 1);
  finish(BROKEN, "exec");
}
