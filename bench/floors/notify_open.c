// The floor of a brokered open by seccomp notification: supervisor and client in C, in one program. The
// supervisor does what ours does for an absolute path and nothing else: RECV, copy of the path, ID_VALID,
// openat2 without symbolic links, O_NONBLOCK off again, ADDFD with SEND, close.
//
// notify_open [-n iterations] [-r rounds] [-c same|default] [-l recv|epoll] [-p path]
// notify_open -x ...: client only, for a supervisor that is measured instead: its parent, which gets the
// listener through descriptor 3 (SCM_RIGHTS). Prints {"wallNs": …, "cpuNs": …} for one open: wall is the
// median of the rounds, CPU that of client and supervisor together over all of them.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { MAX_ROUNDS = 1001, PATH_BYTES = 4096, PAGE_BYTES = 4096 };

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

static int install_filter(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof code[0], code};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
}

static void send_fd(int socket, int fd) {
  char byte = 'l', control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  require(sendmsg(socket, &header, 0) == 1, "sendmsg");
}

static int receive_fd(int socket) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {&byte, 1};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd;
  require(recvmsg(socket, &header, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof fd);
  return fd;
}

// The CPU time of client and supervisor, which is its parent.
static double cpu_of_both(void) {
  clockid_t parent;
  require(clock_getcpuclockid(getppid(), &parent) == 0, "cpuclock");
  return now_ns(parent) + now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static void client(int socket, const char* path, int iterations, int rounds) {
  static double wall[MAX_ROUNDS];
  const int listener = install_filter();
  require(listener >= 0, "seccomp");
  send_fd(socket, listener);
  close(listener);
  for (int i = 0; i < iterations / 10 + 100; i++) close(open(path, O_RDONLY | O_CLOEXEC));
  const double start_cpu = cpu_of_both();
  for (int round = 0; round < rounds; round++) {
    const double start = now_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < iterations; i++) {
      const int fd = open(path, O_RDONLY | O_CLOEXEC);
      require(fd >= 0, path);
      close(fd);
    }
    wall[round] = (now_ns(CLOCK_MONOTONIC) - start) / iterations;
  }
  const double cpu = cpu_of_both() - start_cpu;
  qsort(wall, (size_t)rounds, sizeof wall[0], compare);
  printf("{\"wallNs\": %.0f, \"cpuNs\": %.0f}\n", wall[rounds / 2], cpu / ((double)iterations * rounds));
  fflush(stdout);
}

static ssize_t read_path(pid_t tid, uint64_t address, char* path) {
  size_t have = 0;
  while (have < PATH_BYTES) {
    size_t chunk = PAGE_BYTES - (address + have) % PAGE_BYTES;
    if (chunk > PATH_BYTES - have) chunk = PATH_BYTES - have;
    struct iovec local = {path + have, chunk}, remote = {(void*)(address + have), chunk};
    const ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);
    if (got <= 0) return -1;
    if (memchr(path + have, 0, (size_t)got) != NULL) return 0;
    have += (size_t)got;
  }
  return -1;
}

// Until a path that starts with a dot.
static void supervise(int listener, int use_epoll) {
  const __u64 sync_wake_up = 1;
  (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, sync_wake_up);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  require(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl");
  char path[PATH_BYTES];
  for (;;) {
    if (use_epoll) (void)epoll_wait(epoll, &event, 1, -1);
    struct seccomp_notif notification = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) continue;
    int error = 0;
    if (read_path((pid_t)notification.pid, notification.data.args[1], path) != 0) error = EFAULT;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notification.id) != 0) continue;
    if (path[1] == '.') return;
    int fd = -1;
    if (error == 0) {
      struct open_how how = {
          .flags = (notification.data.args[2] & ~(uint64_t)O_CREAT) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
          .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
      fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
      if (fd < 0) error = errno;
    }
    if (error != 0) {
      struct seccomp_notif_resp answer = {notification.id, 0, -error, 0};
      (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
      continue;
    }
    (void)fcntl(fd, F_SETFL, 0);
    struct seccomp_notif_addfd install = {.id = notification.id,
                                          .flags = SECCOMP_ADDFD_FLAG_SEND,
                                          .srcfd = (__u32)fd,
                                          .newfd_flags = (__u32)notification.data.args[2] & O_CLOEXEC};
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &install);
    close(fd);
  }
}

int main(int argc, char** argv) {
  int iterations = 5000, rounds = 21, same = 1, use_epoll = 0, client_only = 0;
  const char* path = "/tmp/sallyport-bench/a/b/c/file";
  for (int option; (option = getopt(argc, argv, "n:r:c:l:p:x")) != -1;) {
    if (option == 'n') iterations = atoi(optarg);
    if (option == 'r') rounds = atoi(optarg) > MAX_ROUNDS ? MAX_ROUNDS : atoi(optarg);
    if (option == 'c') same = strcmp(optarg, "same") == 0;
    if (option == 'l') use_epoll = strcmp(optarg, "epoll") == 0;
    if (option == 'p') path = optarg;
    if (option == 'x') client_only = 1;
  }
  if (client_only) {
    client(3, path, iterations, rounds);
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
    close(ends[0]);
    client(ends[1], path, iterations, rounds);
    (void)open("/.", O_RDONLY);
    _exit(0);
  }
  close(ends[1]);
  const int listener = receive_fd(ends[0]);
  supervise(listener, use_epoll);
  close(listener);
  (void)waitpid(child, NULL, 0);
  return 0;
}
