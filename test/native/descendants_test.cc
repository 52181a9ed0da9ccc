#include "linux/launch/descendants.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "test.h"

namespace {

// Forks a child that forks a child … `depth` times; each then sleeps.
void chain(int depth) {
  const pid_t pid = ::fork();
  if (pid != 0) return;
  if (depth > 1) chain(depth - 1);
  for (;;) (void)::pause();
}

size_t wait_for(launch::Descendants& descendants, size_t count) {
  size_t found = 0;
  for (int i = 0; i < 2000 && found != count; ++i) {
    found = descendants.signal_all(0);
    (void)::usleep(1000);
  }
  return found;
}

TEST(all_generations_are_found_and_killed) {
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  launch::Descendants descendants;
  EXPECT(descendants.signal_all(0) == 0);
  chain(4);
  chain(2);
  EXPECT(wait_for(descendants, 6) == 6);
  descendants.freeze();
  EXPECT(descendants.signal_all(SIGKILL) == 6);
  int reaped = 0;
  for (int i = 0; i < 2000 && reaped < 6; ++i) {
    if (::waitpid(-1, nullptr, WNOHANG) > 0) ++reaped;
    (void)::usleep(1000);
  }
  EXPECT(reaped == 6);
  EXPECT(::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD);
}

}  // namespace
