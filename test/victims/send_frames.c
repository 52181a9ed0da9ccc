// Sends prepared frames to the broker, each as a new client where the last one was cut off. send_frames FILE
// The file holds records: u8 greet first, u32 length, bytes. A final frame must be answered and a write must
// be served.
#include <poll.h>
#include <sys/socket.h>

#include "victim.h"

static const unsigned char hello[] = {0x92, 0xa9, 's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', 0x01};

static int channel(int greet) {
  char reply[65536];
  int fd = (int)need("the broker's name", open("/run/sallyport/broker", O_RDWR));
  if (!greet) return fd;
  need("hello", send(fd, hello, sizeof hello, MSG_NOSIGNAL));
  if (recv(fd, reply, sizeof reply, 0) <= 0) finish(SUCCEEDED, "hello is no longer answered");
  return fd;
}

int main(int argc, char** argv) {
  FILE* file = fopen(argument(argc, argv, 1), "r");
  if (!file) finish(BROKEN, "no frames");
  static char bytes[1 << 20], reply[65536];
  int frames = 0, closed = 0, answered = 0, silent = 0, unsent = 0;
  unsigned char greet;
  uint32_t length;
  int other = channel(1);
  while (fread(&greet, 1, 1, file) == 1 && fread(&length, 4, 1, file) == 1) {
    if (length > sizeof bytes || fread(bytes, 1, length, file) != length)
      finish(BROKEN, "a frame is cut off");
    frames++;
    int fd = channel(greet);
    if (send(fd, bytes, length, MSG_NOSIGNAL) < 0) unsent++;
    struct pollfd wait = {fd, POLLIN, 0};
    if (poll(&wait, 1, 5000) <= 0)
      silent++;
    else if (recv(fd, reply, sizeof reply, 0) > 0)
      answered++;
    else
      closed++;
    close(fd);
  }
  close(channel(1));
  struct pollfd bystander = {other, POLLIN, 0};
  if (poll(&bystander, 1, 0) != 0) finish(SUCCEEDED, "another client was cut off");
  put_file("still-served", "x", 0600);
  finish(silent ? SUCCEEDED : REFUSED, "%d frames: closed %d answered %d silent %d unsent %d", frames, closed,
         answered, silent, unsent);
}
