#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/launch_plan.h"
#include "plan/launcher_message.h"

namespace launch {

struct LauncherEvent {
  plan::Reply reply{};
  // Of a `launched` reply the pidfd, of an `opened` one the socket; close-on-exec.
  base::UniqueFd first;
  // Non-blocking; invalid without a listener.
  base::UniqueFd listener;
};

// The broker's end of one launcher. Never blocks; the caller polls socket() and asks next_event() when it is
// readable. Destroying it closes the socket, whereupon the launcher kills what is left of the run and leaves;
// who owned it then waits for pidfd() and calls reap().
class LauncherClient {
 public:
  // Starts `program` with posix_spawn(3): no copy of our page tables, no descriptor but the socket (the
  // launcher closes what was not close-on-exec), an empty environment, a session of its own.
  [[nodiscard]] static base::Result<LauncherClient> start(const std::string& program);

  // `fds` are borrowed: stdio x3, then channel and ruleset as the plan says. EINVAL: the plan is not
  // well-formed.
  [[nodiscard]] base::Result<base::Done> launch(const plan::LaunchPlan& plan, std::span<const int> fds);
  [[nodiscard]] base::Result<base::Done> enter_network(bool with_user);
  [[nodiscard]] base::Result<base::Done> open_endpoint(const plan::Endpoint& endpoint);
  [[nodiscard]] base::Result<base::Done> signal(pid_t pid, int number);
  [[nodiscard]] base::Result<base::Done> end(int grace_ms);
  [[nodiscard]] base::Result<base::Done> freeze();
  [[nodiscard]] base::Result<base::Done> thaw();
  // EAGAIN: nothing is there. Anything else: the launcher is gone or not to be trusted with another message.
  [[nodiscard]] base::Result<LauncherEvent> next_event();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int socket() const { return socket_.get(); }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  void close_socket() { socket_.reset(); }
  // After reap(): the number must not be watched any more.
  void close_pidfd() { pidfd_.reset(); }
  // Collects the launcher once it has exited; does not wait.
  void reap() const;

 private:
  LauncherClient() = default;
  [[nodiscard]] base::Result<base::Done> send(const plan::Request& request, std::span<const int> fds);

  pid_t pid_ = -1;
  base::UniqueFd socket_;
  base::UniqueFd pidfd_;
};

}  // namespace launch
