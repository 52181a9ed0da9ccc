// Asks for a program with descriptors, faster than the rate, and waits for all the answers. exec_descriptors
// FRAME COUNT
#include <sys/socket.h>

#include "victim.h"

static const unsigned char hello[] = {0x92, 0xa9, 's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', 0x01};

int main(int argc, char** argv) {
  char frame[4096], reply[65536];
  int file = (int)need("frame", open(argument(argc, argv, 1), O_RDONLY));
  long length = need("frame", read(file, frame, sizeof frame));
  int count = atoi(argument(argc, argv, 2));
  int broker = (int)need("the broker's name", open("/run/sallyport/broker", O_RDWR));
  need("hello", send(broker, hello, sizeof hello, 0));
  need("hello", recv(broker, reply, sizeof reply, 0));
  char control[CMSG_SPACE(2 * sizeof(int))] = "";
  struct iovec part = {frame, (size_t)length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* passed = CMSG_FIRSTHDR(&message);
  passed->cmsg_level = SOL_SOCKET;
  passed->cmsg_type = SCM_RIGHTS;
  passed->cmsg_len = CMSG_LEN(2 * sizeof(int));
  memcpy(CMSG_DATA(passed), (int[]){file, file}, 2 * sizeof(int));
  for (int sent = 0; sent < count; sent++) need("send", sendmsg(broker, &message, 0));
  for (int heard = 0; heard < count; heard++) need("answer", recv(broker, reply, sizeof reply, 0));
  finish(REFUSED, "%d answers", count);
}
