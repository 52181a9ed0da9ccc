// The floor of a brokered open over a socket: broker and client in C, one SOCK_SEQPACKET pair, the descriptor
// comes back by SCM_RIGHTS. The request is the path as it is; the broker opens it as ours does (openat2
// without links, O_NONBLOCK off).
//
// seqpacket_open [-n iterations] [-r rounds] [-c same|default] [-p path]
// seqpacket_open -x ...: client only, for a broker that is measured instead: its parent, which speaks our
// protocol (docs/protocol.md) at the other end of descriptor 3. Prints {"wallNs": …, "cpuNs": …} for one
// open: wall is the median of the rounds, CPU that of client and broker together over all of them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 1001, FRAME_BYTES = 65536 };

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

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return x < y ? -1 : x > y;
}

// Sends `size` bytes and, when it is not -1, a descriptor.
static void send_message(int socket, const void* bytes, size_t size, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {(void*)bytes, size};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    struct cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  require(sendmsg(socket, &header, MSG_NOSIGNAL) == (ssize_t)size, "sendmsg");
}

static ssize_t receive_message(int socket, char* bytes, int* fd) {
  char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(4 * sizeof(int))];
  struct iovec part = {bytes, FRAME_BYTES};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  const ssize_t got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  *fd = -1;
  for (struct cmsghdr* each = CMSG_FIRSTHDR(&header); got > 0 && each != NULL;
       each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_type == SCM_RIGHTS) memcpy(fd, CMSG_DATA(each), sizeof *fd);
  }
  return got;
}

// The CPU time of this process and of the other side.
static double cpu_of_both(pid_t other) {
  clockid_t clock;
  require(clock_getcpuclockid(other, &clock) == 0, "cpuclock");
  return now_ns(clock) + now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void client(int socket, pid_t other, const char* request, size_t size, int iterations, int rounds) {
  static double wall[MAX_ROUNDS];
  static char reply[FRAME_BYTES];
  double start_cpu = 0;
  for (int round = -1; round < rounds; round++) {
    if (round == 0) start_cpu = cpu_of_both(other);
    const double start = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < iterations; i++) {
      int fd;
      send_message(socket, request, size, -1);
      require(receive_message(socket, reply, &fd) > 0 && fd >= 0, "reply");
      close(fd);
    }
    if (round >= 0) wall[round] = (now_ns(CLOCK_MONOTONIC) - start) / iterations;
  }
  const double cpu = cpu_of_both(other) - start_cpu;
  qsort(wall, (size_t)rounds, sizeof wall[0], compare);
  printf("{\"wallNs\": %.0f, \"cpuNs\": %.0f}\n", wall[rounds / 2], cpu / ((double)iterations * rounds));
}

// The hello of version 1, and a request to open `path` for reading: [1, 1 (open), path, 1 (read), 0]. Gives
// the size of the request.
static size_t speak(int socket, const char* path, char* request) {
  static const char hello[] = "\x92\xa9sallyport\x01";
  static char reply[FRAME_BYTES];
  int fd;
  send_message(socket, hello, sizeof hello - 1, -1);
  require(receive_message(socket, reply, &fd) > 0, "hello");
  const size_t length = strlen(path);
  require(length < 256, "path of at most 255 bytes");
  memcpy(request, "\x95\x01\x01\xd9", 4);
  request[4] = (char)length;
  memcpy(request + 5, path, length);
  memcpy(request + 5 + length, "\x01", 2);
  return length + 7;
}

static void broker(int socket) {
  static char path[FRAME_BYTES];
  const int on = 1;
  require(setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
  for (;;) {
    int unused;
    (void)epoll_wait(epoll, &event, 1, -1);
    if (receive_message(socket, path, &unused) <= 0) return;
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    const int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    const int error = fd < 0 ? errno : 0;
    if (fd >= 0) (void)fcntl(fd, F_SETFL, 0);
    send_message(socket, &error, sizeof error, fd);
    if (fd >= 0) close(fd);
  }
}

int main(int argc, char** argv) {
  int iterations = 5000, rounds = 21, same = 1, client_only = 0;
  const char* path = "/tmp/sallyport-bench/a/b/c/file";
  for (int option; (option = getopt(argc, argv, "n:r:c:p:x")) != -1;) {
    if (option == 'n') iterations = atoi(optarg);
    if (option == 'r') rounds = atoi(optarg) > MAX_ROUNDS ? MAX_ROUNDS : atoi(optarg);
    if (option == 'c') same = strcmp(optarg, "same") == 0;
    if (option == 'p') path = optarg;
    if (option == 'x') client_only = 1;
  }
  if (client_only) {
    char request[512];
    const size_t size = speak(3, path, request);
    client(3, getppid(), request, size, iterations, rounds);
    return 0;
  }
  if (same) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    require(sched_setaffinity(0, sizeof cpus, &cpus) == 0, "sched_setaffinity");
  }
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
  const pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    close(ends[1]);
    broker(ends[0]);
    _exit(0);
  }
  close(ends[0]);
  client(ends[1], child, path, strlen(path) + 1, iterations, rounds);
  close(ends[1]);
  (void)waitpid(child, NULL, 0);
  return 0;
}
