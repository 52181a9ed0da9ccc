// Never stops of itself: lines of processes that fork on and on, daemons, vfork(2), and a process whose first
// thread has ended. Each counts in the file "beat". fork_storm LINES
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "victim.h"

static volatile uint64_t* beat;

static void tick(void) { __atomic_add_fetch(beat, 1, __ATOMIC_RELAXED); }

// Each process lives for one step of its line.
static void line(void) {
  for (;;) {
    tick();
    pid_t child = fork();
    if (child != 0) _exit(0);
  }
}

static void daemons(void) {
  for (;;) {
    if (fork() == 0) {
      if (fork() != 0) _exit(0);
      setsid();
      tick();
      _exit(0);
    }
    tick();
    wait(NULL);
  }
}

static void borrowers(void) {
  for (;;) {
    if (vfork() == 0) {
      tick();
      _exit(0);
    }
    wait(NULL);
  }
}

static void* ticks(void* nothing) {
  for (;;) {
    tick();
    usleep(100);
  }
  return nothing;
}

int main(int argc, char** argv) {
  int lines = atoi(argument(argc, argv, 1));
  int fd = (int)need("beat", open("beat", O_RDWR | O_CREAT | O_TRUNC, 0600));
  need("ftruncate", ftruncate(fd, sizeof *beat));
  beat = mmap(NULL, sizeof *beat, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (beat == MAP_FAILED) finish(BROKEN, "mmap");
  for (int at = 0; at < lines; at++)
    if (need("fork", fork()) == 0) line();
  if (need("fork", fork()) == 0) daemons();
  if (need("fork", fork()) == 0) borrowers();
  if (need("fork", fork()) == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, ticks, NULL);
    pthread_exit(NULL);
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
