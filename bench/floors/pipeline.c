// The client of a broker that is measured over its channel, descriptor 3: keeps a window of requests in
// flight, sent and received in batches. The request is to change the mode of a path: [1, 10 (chmod), path,
// 0644, 1 (nofollow)].
//
// pipeline [-n requests] [-w window] [-e] [-p path]: -e leaves the hello out, for a plain echo.
// Prints {"wallNs": …, "cpuNs": …} for one request; CPU is that of client and broker, its parent, together.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WINDOW = 128, REPLY_BYTES = 512, CHANNEL = 3 };

static void require(int ok, const char* what) {
  if (ok) return;
  perror(what);
  exit(125);
}

static double now_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double cpu_of_both(void) {
  clockid_t parent;
  require(clock_getcpuclockid(getppid(), &parent) == 0, "cpuclock");
  return now_ns(parent) + now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static size_t encode(const char* path, char* request) {
  const size_t length = strlen(path);
  require(length < 256, "path of at most 255 bytes");
  memcpy(request, "\x95\x01\x0a\xd9", 4);
  request[4] = (char)length;
  memcpy(request + 5, path, length);
  memcpy(request + 5 + length, "\xcd\x01\xa4\x01", 4);
  return length + 9;
}

static void exchange(struct mmsghdr* out, struct mmsghdr* in, int window) {
  for (int sent = 0; sent < window;) {
    const int some = sendmmsg(CHANNEL, out + sent, (unsigned)(window - sent), 0);
    require(some > 0, "sendmmsg");
    sent += some;
  }
  for (int received = 0; received < window;) {
    const int some = recvmmsg(CHANNEL, in, (unsigned)(window - received), MSG_WAITFORONE, NULL);
    require(some > 0 && in[0].msg_len > 0, "recvmmsg");
    received += some;
  }
}

int main(int argc, char** argv) {
  int requests = 200000, window = 64, echo = 0;
  const char* path = "/tmp/sallyport-bench/a/b/c/file";
  for (int option; (option = getopt(argc, argv, "n:w:p:e")) != -1;) {
    if (option == 'n') requests = atoi(optarg);
    if (option == 'w') window = atoi(optarg) > MAX_WINDOW ? MAX_WINDOW : atoi(optarg);
    if (option == 'p') path = optarg;
    if (option == 'e') echo = 1;
  }
  static char request[512], replies[MAX_WINDOW][REPLY_BYTES];
  static struct mmsghdr out[MAX_WINDOW], in[MAX_WINDOW];
  static struct iovec parts[MAX_WINDOW];
  struct iovec part = {request, encode(path, request)};
  for (int i = 0; i < window; i++) {
    parts[i] = (struct iovec){replies[i], REPLY_BYTES};
    out[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    in[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  if (!echo) {
    static const char hello[] = "\x92\xa9sallyport\x01";
    require(write(CHANNEL, hello, sizeof hello - 1) > 0, "write");
    require(read(CHANNEL, replies[0], REPLY_BYTES) > 0, "read");
  }
  for (int i = 0; i < requests / 4; i += window) exchange(out, in, window);
  const double start = now_ns(CLOCK_MONOTONIC), start_cpu = cpu_of_both();
  int done = 0;
  for (; done < requests; done += window) exchange(out, in, window);
  // [1, 0, nil]: a broker that refuses is not what is measured.
  if (!echo) require(memcmp(replies[0], "\x93\x01\x00\xc0", 4) == 0, "allowed");
  printf("{\"wallNs\": %.0f, \"cpuNs\": %.0f}\n", (now_ns(CLOCK_MONOTONIC) - start) / done,
         (cpu_of_both() - start_cpu) / done);
  return 0;
}
