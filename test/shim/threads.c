// Many threads on one client, while others fork. Each finds its own answers. threads THREADS CALLS
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static sp_client* client;
static int calls;

static void one_round(int thread, int round, sp_failure* failure) {
  char name[32], content[64], found[64] = "";
  snprintf(name, sizeof name, "t%d-%d", thread, round);
  const int fd = sp_open(client, name, SP_OPEN_READ | SP_OPEN_WRITE | SP_OPEN_CREATE, 0644, failure);
  if (!CHECK(fd >= 0, failure)) return;
  snprintf(content, sizeof content, "%s of its own", name);
  CHECK(write(fd, content, strlen(content)) == (ssize_t)strlen(content), NULL);
  CHECK(pread(fd, found, sizeof found - 1, 0) > 0 && strcmp(found, content) == 0, NULL);
  close(fd);
  sp_status status;
  CHECK(sp_stat(client, name, SP_FOLLOW, &status, failure) == 0, failure);
  CHECK(status.size_bytes == (int64_t)strlen(content), failure);
  // One denial in two rounds: the run must stay below what the breaker of denials bears.
  if (round % 2 == 0) {
    CHECK(sp_open(client, "/etc/shadow-of-nothing", SP_OPEN_WRITE | SP_OPEN_CREATE, 0, failure) == -EACCES,
          failure);
    CHECK(failure->denial != NULL && strcmp(failure->denial->path, "/etc/shadow-of-nothing") == 0, failure);
  }
  CHECK(sp_unlink(client, name, SP_NAME_FILE, failure) == 0, failure);
}

static void* work(void* number) {
  const int thread = *(int*)number;
  sp_failure failure = SP_FAILURE_INIT;
  for (int round = 0; round < calls; round++) one_round(thread, round, &failure);
  sp_failure_clear(&failure);
  return NULL;
}

static void* fork_often(void* nothing) {
  (void)nothing;
  for (int round = 0; round < 10; round++) {
    const pid_t child = fork();
    if (child == 0) {
      sp_failure failure = SP_FAILURE_INIT;
      one_round(1000 + round, 0, &failure);
      _exit(failed_checks > 0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0, NULL);
  }
  return NULL;
}

static void nothing(int signal) { (void)signal; }

int main(int argc, char** argv) {
  const int count = argc > 2 ? atoi(argv[1]) : 8;
  calls = argc > 2 ? atoi(argv[2]) : 50;
  // Without SA_RESTART: every call that waits is interrupted.
  const struct sigaction interrupting = {.sa_handler = nothing};
  sigaction(SIGUSR1, &interrupting, NULL);
  sp_failure failure = SP_FAILURE_INIT;
  if (sp_connect(&client, &failure) != 0) return 2;
  pthread_t threads[64], forking = 0;
  int numbers[64];
  for (int at = 0; at < count; at++) {
    numbers[at] = at;
    pthread_create(&threads[at], NULL, work, &numbers[at]);
  }
#ifndef __SANITIZE_ADDRESS__
  // The allocator of AddressSanitizer is not whole in a child that is forked while another thread allocates.
  pthread_create(&forking, NULL, fork_often, NULL);
#else
  (void)forking;
  (void)fork_often;
#endif
  for (int round = 0; round < 200; round++) {
    pthread_kill(threads[round % count], SIGUSR1);
    usleep(1000);
  }
  for (int at = 0; at < count; at++) pthread_join(threads[at], NULL);
#ifndef __SANITIZE_ADDRESS__
  pthread_join(forking, NULL);
#endif
  sp_close(client);
  sp_failure_clear(&failure);
  puts(failed_checks == 0 ? "every thread found its own" : "mixed up");
  return failed_checks > 0;
}
