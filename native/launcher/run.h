#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

#include "base/unique_fd.h"
#include "linux/launch/descendants.h"
#include "linux/launch/message_socket.h"
#include "linux/launch/spawn.h"
#include "plan/launcher_message.h"

namespace launcher {

// One run: launches its programs, reaps everything that comes from them, and ends them when told to or when
// the broker is gone. Single-threaded; every signal is blocked, SIGCHLD comes through `child_signals`.
class Run {
 public:
  Run(base::UniqueFd socket, base::UniqueFd child_signals, launch::Spawner spawner)
      : socket_(std::move(socket)), child_signals_(std::move(child_signals)), spawner_(std::move(spawner)) {}

  // Returns when the broker is gone and no process of the run is left.
  void serve();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Phase { open, terminating, killing, ended };

  void wait();
  void read_requests();
  void perform(const plan::Request& request, launch::Received& message);
  void launch(launch::Received& message);
  void enter_network(bool with_user);
  void open_endpoint(const plan::Endpoint& endpoint);
  void signal(int32_t pid, int32_t number);
  void end(int32_t grace_ms);
  void freeze();
  void thaw();
  void reap();
  void advance();
  void broker_gone();
  void reply(const plan::Reply& reply, std::span<const int> fds);
  void reply_failed(const launch::SpawnFailure& failure);
  [[nodiscard]] int timeout_ms() const;

  base::UniqueFd socket_;
  base::UniqueFd child_signals_;
  launch::Spawner spawner_;
  launch::Descendants descendants_;
  std::vector<pid_t> launched_;
  Phase phase_ = Phase::open;
  Clock::time_point kill_at_;
  int kill_passes_ = 0;
  int leftovers_ = 0;
  bool has_children_ = false;
  bool has_broker_ = true;
  bool has_network_ = false;
  bool is_frozen_ = false;
};

}  // namespace launcher
