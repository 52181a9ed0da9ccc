// Sends with an address on sockets that are connected by connect(2) alone: the kernel must refuse it, or send
// to the peer all the same. address_in_send PATH
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void send_both(const char* way, int fd, int peer) {
  struct iovec bytes = {"hello", 5};
  struct msghdr message = {
      .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &bytes, .msg_iovlen = 1};
  for (int by_message = 0; by_message < 2; by_message++) {
    long sent = by_message ? sendmsg(fd, &message, MSG_NOSIGNAL)
                           : sendto(fd, "hello", 5, MSG_NOSIGNAL, (struct sockaddr*)&address, sizeof address);
    char got[8];
    int to_peer = sent == 5 && peer >= 0 && recv(peer, got, sizeof got, MSG_DONTWAIT) == 5;
    int is_none = sent < 0 && (errno == EISCONN || errno == EOPNOTSUPP || errno == ENOTCONN);
    size_t used = strlen(tried);
    snprintf(tried + used, sizeof tried - used, "%s %s, ", way, to_peer ? "peer" : is_none ? "none" : "ELSE");
    if (!to_peer && !is_none) won++;
  }
}

int main(int argc, char** argv) {
  strncpy(address.sun_path, argument(argc, argv, 1), sizeof address.sun_path - 1);
  int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
  for (int at = 0; at < 2; at++) {
    send_both("alone", (int)need("socket", socket(AF_UNIX, types[at], 0)), -1);
    int pair[2];
    need("socketpair", socketpair(AF_UNIX, types[at], 0, pair));
    send_both("pair", pair[0], pair[1]);
  }
  finish(won ? SUCCEEDED : REFUSED, "%s", tried);
}
