// A timer every 3 ms while files are opened for writing. signal_storm restart|interrupt ROUNDS
// A signal that arrives before the supervisor has received the call interrupts it whatever the filter's flags
// are (kernel/seccomp.c, should_sleep_killable): without SA_RESTART one in fifty may fail so, and must
// succeed when repeated.
#include <sys/time.h>

#include "victim.h"

static volatile sig_atomic_t signals;
static void count(int number) {
  (void)number;
  signals++;
}

int main(int argc, char** argv) {
  struct sigaction action = {.sa_handler = count};
  if (strcmp(argument(argc, argv, 1), "restart") == 0) action.sa_flags = SA_RESTART;
  int rounds = atoi(argument(argc, argv, 2));
  sigaction(SIGALRM, &action, NULL);
  struct itimerval every = {{0, 3000}, {0, 3000}};
  setitimer(ITIMER_REAL, &every, NULL);
  int opened = 0, interrupted = 0, other = 0;
  for (int round = 0; round < rounds; round++) {
    int fd = open("storm", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    // seccomp_unotify(2): a signal that comes before the broker has received the call interrupts it.
    while (fd < 0 && errno == EINTR && interrupted < rounds) {
      interrupted++;
      fd = open("storm", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    if (fd >= 0) {
      opened++;
      close(fd);
    } else {
      other++;
    }
  }
  finish(opened == rounds && interrupted <= (action.sa_flags ? 0 : rounds / 5) ? REFUSED : SUCCEEDED,
         "opened %d interrupted %d other %d, %d signals", opened, interrupted, other, (int)signals);
}
