// Sends prepared frames to the broker, each as a client of its own, and prints a line of what came:
// "greeted", the answer in hex, or nothing; then "open" or "closed" for the channel afterwards. answer_frames
// FILE, with records as in send_frames.c.
#include <poll.h>
#include <sys/socket.h>

#include "victim.h"

static const unsigned char hello[] = {0x92, 0xa9, 's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', 0x01};
/// A request that is answered wherever it is sent: stat of the root.
static const unsigned char stat_root[] = {0x94, 0x7e, 0x02, 0xa1, '/', 0x00};

static ssize_t answer(int fd, unsigned char* reply, size_t room) {
  struct pollfd wait = {fd, POLLIN, 0};
  if (poll(&wait, 1, 10000) <= 0) finish(BROKEN, "no answer and no end");
  const ssize_t length = recv(fd, reply, room, 0);
  return length < 0 ? 0 : length;
}

int main(int argc, char** argv) {
  FILE* file = fopen(argument(argc, argv, 1), "r");
  if (!file) finish(BROKEN, "no frames");
  static unsigned char bytes[1 << 20], reply[65536];
  unsigned char greet;
  uint32_t length;
  while (fread(&greet, 1, 1, file) == 1 && fread(&length, 4, 1, file) == 1) {
    if (length > sizeof bytes || fread(bytes, 1, length, file) != length)
      finish(BROKEN, "a frame is cut off");
    const int fd = (int)need("the broker's name", open("/run/sallyport/broker", O_RDWR));
    if (greet) {
      need("hello", send(fd, hello, sizeof hello, MSG_NOSIGNAL));
      if (answer(fd, reply, sizeof reply) <= 0) finish(BROKEN, "hello is not answered");
    }
    need("frame", send(fd, bytes, length, MSG_NOSIGNAL));
    const ssize_t got = answer(fd, reply, sizeof reply);
    for (ssize_t at = 0; at < got; at++) printf("%02x", reply[at]);
    const int alive = got > 0 && send(fd, stat_root, sizeof stat_root, MSG_NOSIGNAL) > 0 &&
                      answer(fd, reply, sizeof reply) > 0;
    printf(" %s\n", alive ? "open" : "closed");
    close(fd);
  }
  finish(REFUSED, "that was all");
}
