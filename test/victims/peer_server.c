// Listens at a path and tells of each client who it is; answers with one byte. peer_server PATH
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

int main(int argc, char** argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int listener = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  need("bind", bind(listener, (struct sockaddr*)&address, sizeof address));
  need("chmod", chmod(address.sun_path, 0777));
  need("listen", listen(listener, 5));
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = (int)need("accept", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    struct ucred peer;
    socklen_t size = sizeof peer;
    need("SO_PEERCRED", getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size));
    printf("uid %u gid %u\n", peer.uid, peer.gid);
    fflush(stdout);
    if (write(fd, "s", 1) != 1) break;
    close(fd);
  }
}
