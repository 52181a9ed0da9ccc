// Turns the knobs of the machine, which root's plain uid owns.
#include "victim.h"

int main(void) {
  const char* knobs[] = {"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
                         "/proc/sys/vm/drop_caches",      "/proc/self/oom_score_adj",
                         "/sys/kernel/uevent_helper",     "/proc/self/uid_map"};
  for (int at = 0; at < 6; at++) {
    int before = won;
    attempt(knobs[at], open(knobs[at], O_WRONLY));
    // A process may make itself the first to die; that harms nobody else.
    if (at == 3) won = before;
    if (errno == ENOENT) odd = 0;
  }
  verdict();
}
