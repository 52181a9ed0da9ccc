// Sends the broker descriptors it did not ask for. send_descriptors MESSAGES; creates "sent" when done and
// waits for "go".
#include <poll.h>
#include <sys/socket.h>

#include "victim.h"

static const unsigned char hello[] = {0x92, 0xa9, 's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', 0x01};

static void pass(int fd, const void* bytes, size_t length, int count) {
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(253 * sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {(void*)bytes, length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
  message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  int fds[253];
  for (int at = 0; at < count; at++) fds[at] = at % 3;
  memcpy(CMSG_DATA(head), fds, (size_t)count * sizeof(int));
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

int main(int argc, char** argv) {
  put_file("started", "x", 0600);
  int messages = atoi(argument(argc, argv, 1));
  static const int counts[] = {1, 2, 4, 5, 16, 253};
  char reply[65536];
  for (int at = 0; at < messages; at++) {
    int fd = (int)need("the broker's name", open("/run/sallyport/broker", O_RDWR));
    if (at % 2) {
      pass(fd, hello, sizeof hello, counts[at % 6]);
    } else {
      need("hello", send(fd, hello, sizeof hello, MSG_NOSIGNAL));
      if (recv(fd, reply, sizeof reply, 0) <= 0) finish(SUCCEEDED, "hello is no longer answered");
      pass(fd, "\x93\x01\x03\xa1/", 5, counts[at % 6]);
    }
    struct pollfd wait = {fd, POLLIN, 0};
    poll(&wait, 1, 5000);
    close(fd);
  }
  put_file("sent", "x", 0600);
  for (int turn = 0; access("go", F_OK) < 0 && turn < 20000; turn++) poll(NULL, 0, 1);
  put_file("still-served", "x", 0600);
  finish(REFUSED, "%d messages with descriptors", messages);
}
