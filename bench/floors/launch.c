// Floor for a launch: clone3(CLONE_VM|CLONE_VFORK) + execve("/bin/true") + wait, nothing else. Prints the
// median in ns. launch [rounds [program argument…]]: the same for another program, such as a sandbox that
// starts /bin/true.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(64)));
static char* true_argv[] = {"/bin/true", NULL};
static char** argv_ = true_argv;
static char* const env_[] = {NULL};

static int child(void* unused) {
  (void)unused;
  execve(argv_[0], argv_, env_);
  _exit(125);
}

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int compare(const void* a, const void* b) {
  const long long x = *(const long long*)a, y = *(const long long*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 500;
  if (argc > 2) argv_ = argv + 2;
  long long* ns = calloc((size_t)rounds, sizeof(*ns));
  for (int i = 0; i < rounds; ++i) {
    const long long start = now_ns();
    // glibc's clone(2) wrapper; clone3(2) itself has none, and the kernel path is the same.
    const int pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (pid < 0 || waitpid(pid, NULL, 0) != pid) return 1;
    ns[i] = now_ns() - start;
  }
  qsort(ns, (size_t)rounds, sizeof(*ns), compare);
  printf("%lld\n", ns[rounds / 2]);
  free(ns);
  return 0;
}
