// Asks the broker for /proc/self by a process that is gone before it is heard. orphan_request FRAME
// Writes the number of that process to "pid", and lets it ask as soon as "go" is there.
#include <sys/socket.h>
#include <sys/wait.h>

#include "victim.h"

static const unsigned char hello[] = {0x92, 0xa9, 's', 'a', 'l', 'l', 'y', 'p', 'o', 'r', 't', 0x01};

int main(int argc, char** argv) {
  char frame[4096], reply[65536], text[4096] = "";
  int file = (int)need("frame", open(argument(argc, argv, 1), O_RDONLY));
  long length = need("frame", read(file, frame, sizeof frame));
  int broker = (int)need("the broker's name", open("/run/sallyport/broker", O_RDWR));
  need("hello", send(broker, hello, sizeof hello, 0));
  need("hello", recv(broker, reply, sizeof reply, 0));
  pid_t asker = fork();
  if (asker == 0) {
    while (access("go", F_OK) < 0) usleep(1000);
    _exit(send(broker, frame, (size_t)length, 0) < 0);
  }
  snprintf(text, sizeof text, "%d", asker);
  put_file("pid.unready", text, 0644);
  need("rename", rename("pid.unready", "pid"));
  need("wait", waitpid(asker, NULL, 0));
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {reply, sizeof reply};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  need("answer", recvmsg(broker, &message, 0));
  struct cmsghdr* passed = CMSG_FIRSTHDR(&message);
  if (!passed) finish(REFUSED, "no descriptor");
  memset(text, 0, sizeof text);
  if (read(*(int*)CMSG_DATA(passed), text, sizeof text - 1) < 0) strcpy(text, "a descriptor");
  finish(SUCCEEDED, "%s", text);
}
