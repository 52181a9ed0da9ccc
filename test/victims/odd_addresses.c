// Prints how the kernel takes addresses that are wrong in some way, for connect(2) and bind(2). odd_addresses
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "victim.h"

static void tell(const char* what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
}

static void both(const char* what, const void* address, long size) {
  char text[128];
  for (int binds = 0; binds < 2; binds++) {
    int fd = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    snprintf(text, sizeof text, "%s %s", binds ? "bind" : "connect", what);
    tell(text, syscall(binds ? SYS_bind : SYS_connect, fd, address, size));
    close(fd);
  }
}

int main(void) {
  char* pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  need("munmap", munmap(pages + 4096, 4096));
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "missing/socket"};
  const size_t head = offsetof(struct sockaddr_un, sun_path);
  both("size 0", &address, 0);
  both("size 1", &address, 1);
  both("size -1", &address, -1);
  both("size 129", &address, 129);
  both("high half", &address, (long)sizeof address | 1L << 40);
  both("size 111", &address, sizeof address + 1);
  both("no memory", (void*)8, sizeof address);
  both("across the end", memcpy(pages + 4096 - 8, &address, 8), sizeof address);
  both("missing directory", &address, sizeof address);
  strcpy(address.sun_path, "file/socket");
  both("below a file", &address, sizeof address);
  strcpy(address.sun_path, "file");
  both("a file", &address, sizeof address);
  strcpy(address.sun_path, ".");
  both("a directory", &address, sizeof address);
  strcpy(address.sun_path, "dangling");
  both("a link to nothing", &address, sizeof address);
  strcpy(address.sun_path, "loop");
  both("a link to itself", &address, sizeof address);
  strcpy(address.sun_path, "stale");
  both("nobody listens", &address, sizeof address);
  memset(address.sun_path, 'x', sizeof address.sun_path);
  both("no NUL", &address, sizeof address);
  unlink(
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxx");
  both("no NUL, shorter", &address, (long)head + 5);
  unlink("xxxxx");
  address.sun_family = AF_INET;
  both("another family", &address, 16);
  address.sun_family = AF_UNSPEC;
  both("no family", &address, sizeof address);
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "fresh");
  tell("bind no socket", bind(0, (struct sockaddr*)&address, sizeof address));
  tell("connect no descriptor", connect(99, (struct sockaddr*)&address, sizeof address));
  tell("listen no socket", listen(0, 1));
  int fd = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tell("listen without a name", listen(fd, 1));
  tell("bind", bind(fd, (struct sockaddr*)&address, sizeof address));
  tell("bind again", bind(fd, (struct sockaddr*)&address, sizeof address));
  tell("connect before listen", connect(fd, (struct sockaddr*)&address, sizeof address));
  tell("listen", listen(fd, 1));
  int other = (int)need("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  tell("bind a taken name", bind(other, (struct sockaddr*)&address, sizeof address));
  tell("connect", connect(other, (struct sockaddr*)&address, sizeof address));
  tell("connect again", connect(other, (struct sockaddr*)&address, sizeof address));
  other = (int)need("socket", socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  tell("connect another type", connect(other, (struct sockaddr*)&address, sizeof address));
  socklen_t size = sizeof address;
  need("getsockname", getsockname(fd, (struct sockaddr*)&address, &size));
  printf("name %s of %u\n", address.sun_path, size);
  unlink("fresh");
  return 0;
}
