// Uses an unconnected TCP socket that the run was started with as its input. inherited_socket WAY PORT
#include <arpa/inet.h>
#include <sys/socket.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* way = argument(argc, argv, 1);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(argument(argc, argv, 2)))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  struct iovec bytes = {"hello", 5};
  struct msghdr message = {
      .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &bytes, .msg_iovlen = 1};
  if (strcmp(way, "connect") == 0) judge("connect", connect(0, (struct sockaddr*)&address, sizeof address));
  if (strcmp(way, "listen") == 0) judge("listen", listen(0, 1));
  if (strcmp(way, "sendto") == 0) {
    judge("sendto", sendto(0, "hello", 5, MSG_FASTOPEN, (struct sockaddr*)&address, sizeof address));
  }
  if (strcmp(way, "sendmsg") == 0) judge("sendmsg", sendmsg(0, &message, MSG_FASTOPEN));
  if (strcmp(way, "sendmmsg") == 0) {
    struct mmsghdr many = {.msg_hdr = message};
    judge("sendmmsg", sendmmsg(0, &many, 1, MSG_FASTOPEN));
  }
  if (strcmp(way, "high") == 0) {
    long flags = (long)MSG_FASTOPEN | 1L << 40;
    judge("sendto", syscall(SYS_sendto, 0, "hello", 5, flags, &address, sizeof address));
  }
  finish(BROKEN, "no such way");
}
