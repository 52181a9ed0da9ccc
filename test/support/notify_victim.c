// A program that traps its own calls: installs a filter that notifies for the calls of its scenario, hands
// the listener to the test over descriptor 3, and runs. Prints one line a result: a value, or "E<errno>".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { CHANNEL = 3 };

static void require(int ok, const char* what) {
  if (ok) return;
  perror(what);
  _exit(125);
}

static void trap(void) {
  static const int calls[] = {SYS_openat,   SYS_symlinkat, SYS_renameat2, SYS_utimensat, SYS_utimes,
                              SYS_setxattr, SYS_fchmod,    SYS_fchownat,  SYS_mkdir};
  enum { COUNT = sizeof calls / sizeof calls[0] };
  struct sock_filter code[COUNT + 3];
  code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < COUNT; i++) {
    code[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
                                               (unsigned char)(COUNT - i), 0);
  }
  code[COUNT + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[COUNT + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  struct sock_fprog program = {COUNT + 3, code};
  require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
  const int listener =
      (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  require(listener >= 0, "seccomp");
  char byte = 'l', control[CMSG_SPACE(sizeof listener)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof listener);
  memcpy(CMSG_DATA(rights), &listener, sizeof listener);
  require(sendmsg(CHANNEL, &header, 0) == 1, "sendmsg");
  close(listener);
}

static void report(long result) {
  if (result < 0) {
    printf("E%d\n", errno);
  } else {
    printf("%ld\n", result);
  }
  fflush(stdout);
}

static long try_open(const char* path, int flags) { return syscall(SYS_openat, AT_FDCWD, path, flags, 0600); }

static void report_open(const char* path, int flags) {
  const long fd = try_open(path, flags);
  report(fd);
  if (fd >= 0) close((int)fd);
}

static char shared_path[4096];
static const char *good, *evil;
static volatile int stop;

static void* flip(void* unused) {
  for (unsigned turn = 0; !stop; turn++) strcpy(shared_path, (turn & 1) != 0 ? evil : good);
  return unused;
}

// Counts the opens that succeeded, those that were refused by policy, and those of the first that got the
// forbidden file (its content begins with "F").
static void flipper(void) {
  pthread_t threads[2];
  strcpy(shared_path, good);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, flip, NULL);
  long allowed = 0, forbidden = 0, refused = 0;
  for (int i = 0; i < 200000 && (allowed < 200 || refused < 200); i++) {
    const long fd = try_open(shared_path, O_RDONLY);
    if (fd < 0 && errno == EACCES) refused++;
    if (fd < 0) continue;
    char first = 0;
    allowed++;
    if (read((int)fd, &first, 1) == 1 && first == 'F') forbidden++;
    close((int)fd);
  }
  stop = 1;
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  report(allowed);
  report(refused);
  report(forbidden);
}

static void on_alarm(int signal) { (void)signal; }

static void storm(const char* path, int flags) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
  sigaction(SIGALRM, &action, NULL);
  const struct itimerval each = {{0, 3000}, {0, 3000}}, off = {0};
  setitimer(ITIMER_REAL, &each, NULL);
  long succeeded = 0;
  for (int i = 0; i < 10; i++) {
    // A signal that comes before the supervisor has received the call interrupts it, as it would any slow
    // open.
    long fd;
    do {
      fd = try_open(path, O_RDONLY);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) continue;
    succeeded++;
    close((int)fd);
  }
  setitimer(ITIMER_REAL, &off, NULL);
  report(succeeded);
}

// How many opens gave another number than the lowest that is free.
static void numbers(const char* path) {
  long wrong = 0;
  for (int i = 0; i < 20000; i++) {
    if (try_open(path, O_RDONLY) != CHANNEL) wrong++;
    close(CHANNEL);
  }
  report(wrong);
}

static void exhausted(const char* path) {
  const struct rlimit limit = {16, 16};
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  while (dup(0) >= 0) {
  }
  report_open(path, O_RDONLY);
  close(15);
  report_open(path, O_RDONLY);
}

static void bad_paths(void) {
  char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(page + 4096, 4096);
  report_open((const char*)8, O_RDONLY);
  strcpy(page + 4096 - sizeof "/etc/passwd", "/etc/passwd");
  report_open(page + 4096 - sizeof "/etc/passwd", O_RDONLY);
  memset(page, 'x', 4096);
  page[0] = '/';
  page[100] = '/';
  report_open(page + 100, O_RDONLY);
  report_open("/tmp/\xff\xfe", O_RDONLY);
  report_open("", O_RDONLY);
  report(syscall(SYS_openat, 99, "relative", O_RDONLY, 0));
  char longest[5000];
  memset(longest, 'a', sizeof longest);
  longest[0] = '/';
  longest[4999] = 0;
  report_open(longest, O_RDONLY);
}

static void shapes(const char* dir) {
  require(chdir(dir) == 0, "chdir");
  report(syscall(SYS_symlinkat, "../target//x", AT_FDCWD, "link/"));
  report(syscall(SYS_renameat2, AT_FDCWD, "a//b", AT_FDCWD, "./c/../d", 0));
  const struct timespec times[2] = {{5, 6}, {7, UTIME_OMIT}};
  report(syscall(SYS_utimensat, AT_FDCWD, "t", times, 0));
  const struct timeval old[2] = {{5, 6}, {7, 8}};
  report(syscall(SYS_utimes, "t", old));
  report(syscall(SYS_setxattr, "t", "user.name", "value", 5, 0));
  report(syscall(SYS_fchmod, 0, 0600));
  report(syscall(SYS_fchownat, 0, "", 1, 2, AT_EMPTY_PATH));
  report(syscall(SYS_mkdir, "/proc/self/x", 0700));
  report(syscall(SYS_openat, AT_FDCWD, "/dev/fd/0", O_RDWR, 0));
  report(syscall(SYS_fchmod, 77, 0600));
}

int main(int argc, char** argv) {
  require(argc >= 3, "arguments");
  const char *scenario = argv[1], *path = argv[2];
  good = path;
  evil = argc > 3 ? argv[3] : path;
  trap();
  close(CHANNEL);
  if (strcmp(scenario, "open") == 0) report_open(path, O_RDONLY);
  if (strcmp(scenario, "flipper") == 0) flipper();
  if (strcmp(scenario, "storm") == 0) storm(path, 0);
  if (strcmp(scenario, "storm-restart") == 0) storm(path, SA_RESTART);
  if (strcmp(scenario, "numbers") == 0) numbers(path);
  if (strcmp(scenario, "exhausted") == 0) exhausted(path);
  if (strcmp(scenario, "bad") == 0) bad_paths();
  if (strcmp(scenario, "shapes") == 0) shapes(path);
  if (strcmp(scenario, "processes") == 0) {
    for (int i = 0; i < 8; i++) {
      if (fork() != 0) continue;
      int ok = 0;
      for (int j = 0; j < 100; j++) {
        const long fd = try_open(path, O_RDONLY);
        if (fd >= 0) ok++, close((int)fd);
      }
      _exit(ok == 100 ? 0 : 1);
    }
    int status, good_ones = 0;
    while (wait(&status) > 0) good_ones += status == 0;
    report(good_ones);
  }
  return 0;
}
