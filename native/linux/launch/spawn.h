#pragma once

#include <sys/types.h>

#include <array>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/launch/child.h"
#include "plan/launch_plan.h"

namespace launch {

struct Spawned {
  pid_t pid = -1;
  base::UniqueFd pidfd;
  // Invalid without notify.
  base::UniqueFd listener;
};

struct SpawnFailure {
  plan::Stage stage;
  const char* call;
  int error;
};

// Launches programs from a single-threaded process whose signals are all blocked. Owns what every launch
// needs and none should allocate: the stack of the child and the socket pair over which the listener comes
// back.
class Spawner {
 public:
  [[nodiscard]] static base::Result<Spawner> create();

  // `fds`: stdio x3, then channel and ruleset as the plan says; all above 3. Waits until the program runs or
  // has failed; after a failure the child is a zombie that the caller's waitpid(2) collects (`out.pid`, -1
  // without a child).
  [[nodiscard]] bool spawn(const plan::LaunchPlan& plan, std::span<const base::UniqueFd> fds, Spawned& out,
                           SpawnFailure& failure);

 private:
  Spawner() = default;
  // Mapped for the life of the process.
  void* stack_ = nullptr;
  base::UniqueFd handover_out_;
  base::UniqueFd handover_in_;
};

}  // namespace launch
