#include "launcher/run.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <optional>

#include "linux/netns/endpoint.h"
#include "linux/netns/loopback.h"
#include "linux/netns/namespace.h"
#include "plan/launch_plan.h"

namespace launcher {
namespace {

// From here on a kill pass stops everything first: what outlived this many passes forks as fast as it is
// killed.
constexpr int passes_before_freeze = 3;
constexpr int max_pause_ms = 20;

std::optional<plan::LaunchPlan> read_plan(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0 || info.st_size < 0 ||
      static_cast<size_t>(info.st_size) > plan::max_plan_bytes) {
    return std::nullopt;
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got <= 0) return std::nullopt;
    done += static_cast<size_t>(got);
  }
  return plan::parse_plan(bytes);
}

}  // namespace

void Run::serve() {
  while (has_broker_ || phase_ != Phase::ended) {
    wait();
    reap();
    advance();
  }
}

int Run::timeout_ms() const {
  switch (phase_) {
    case Phase::open:
    case Phase::ended:
      return -1;
    case Phase::terminating: {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now()).count();
      return static_cast<int>(std::clamp<int64_t>(left, 0, INT32_MAX));
    }
    case Phase::killing:
      return std::min(1 << std::min(kill_passes_, 5), max_pause_ms);
  }
  return -1;
}

void Run::wait() {
  pollfd watched[2] = {{child_signals_.get(), POLLIN, 0}, {has_broker_ ? socket_.get() : -1, POLLIN, 0}};
  if (::poll(watched, 2, timeout_ms()) <= 0) return;
  if (watched[0].revents != 0) {
    signalfd_siginfo info;
    // One pending SIGCHLD stands for any number of children: reap() asks until there are no more.
    (void)!::read(child_signals_.get(), &info, sizeof(info));
  }
  if (watched[1].revents != 0) read_requests();
}

void Run::read_requests() {
  while (has_broker_) {
    plan::Request request{};
    base::Result<launch::Received> received =
        launch::receive_message(socket_.get(), std::as_writable_bytes(std::span(&request, 1)));
    if (!received.ok()) {
      if (received.failure().error != EAGAIN) broker_gone();
      return;
    }
    if (received.value().size_bytes != sizeof(request)) return broker_gone();
    perform(request, received.value());
  }
}

void Run::perform(const plan::Request& request, launch::Received& message) {
  switch (request.kind) {
    case plan::RequestKind::launch:
      return launch(message);
    case plan::RequestKind::signal:
      return signal(request.pid, request.value);
    case plan::RequestKind::end:
      return end(request.value);
    case plan::RequestKind::network:
      return enter_network(request.value == 1);
    case plan::RequestKind::endpoint:
      return open_endpoint(request.endpoint);
    case plan::RequestKind::freeze:
      return freeze();
    case plan::RequestKind::thaw:
      return thaw();
  }
  broker_gone();
}

void Run::launch(launch::Received& message) {
  if (phase_ != Phase::open) return reply_failed({plan::Stage::launcher, "launch", ECANCELED});
  if (is_frozen_) return reply_failed({plan::Stage::launcher, "launch", EBUSY});
  if (message.fd_count < 4) return reply_failed({plan::Stage::launcher, "recvmsg", EPROTO});
  const std::optional<plan::LaunchPlan> plan = read_plan(message.fds[0].get());
  if (!plan) return reply_failed({plan::Stage::launcher, "parse_plan", EINVAL});
  const size_t wanted = 4U + (plan->has_channel ? 1U : 0U) + (plan->has_ruleset ? 1U : 0U);
  if (message.fd_count != wanted) return reply_failed({plan::Stage::launcher, "recvmsg", EPROTO});

  // Sockets of the namespace are the program's own to connect; one from outside would lead out.
  for (size_t i = 1; has_network_ && i <= 3; ++i) {
    if (netns::is_foreign_socket(message.fds[i].get()))
      return reply_failed({plan::Stage::network, "getsockopt", ENOTSOCK});
  }
  launch::Spawned spawned;
  launch::SpawnFailure failure{};
  has_children_ = true;
  if (!spawner_.spawn(*plan, std::span(message.fds).subspan(1, wanted - 1), spawned, failure)) {
    return reply_failed(failure);
  }
  launched_.push_back(spawned.pid);
  plan::Reply done{};
  done.kind = plan::ReplyKind::launched;
  done.pid = spawned.pid;
  const int fds[2] = {spawned.pidfd.get(), spawned.listener.get()};
  // Our copy of the listener is closed on return: the last one open decides whether a trapped call still
  // waits.
  reply(done, std::span(fds, spawned.listener.valid() ? 2 : 1));
}

void Run::enter_network(bool with_user) {
  if (phase_ != Phase::open || has_network_ || has_children_)
    return reply_failed({plan::Stage::network, "unshare", EBUSY});
  base::Result<base::Done> entered =
      netns::enter(with_user ? netns::With::user_and_network : netns::With::network);
  if (!entered.ok())
    return reply_failed({plan::Stage::network, entered.failure().call, entered.failure().error});
  base::Result<netns::Reach> reach = netns::make_every_address_local();
  if (!reach.ok()) return reply_failed({plan::Stage::network, reach.failure().call, reach.failure().error});
  has_network_ = true;
  plan::Reply done{};
  done.kind = plan::ReplyKind::entered;
  done.value = reach.value().ipv6 ? 1 : 0;
  reply(done, {});
}

void Run::open_endpoint(const plan::Endpoint& endpoint) {
  // Never a socket of the host's network.
  if (!has_network_) return reply_failed({plan::Stage::network, "socket", ENONET});
  base::Result<base::UniqueFd> opened = netns::open_endpoint(endpoint);
  if (!opened.ok())
    return reply_failed({plan::Stage::network, opened.failure().call, opened.failure().error});
  plan::Reply done{};
  done.kind = plan::ReplyKind::opened;
  const int fd = opened.value().get();
  reply(done, std::span(&fd, 1));
}

void Run::signal(int32_t pid, int32_t number) {
  const pid_t leader = pid < 0 ? -pid : pid;
  // Whoever brings the broker to the foreground does not mean that a frozen run is to go on.
  if (is_frozen_ && number == SIGCONT) return;
  // A pid that is launched and not reaped is not re-used; each launched program leads its own process group.
  if (pid == INT32_MIN || std::find(launched_.begin(), launched_.end(), leader) == launched_.end()) return;
  (void)::kill(pid, number);
}

void Run::end(int32_t grace_ms) {
  if (phase_ == Phase::ended) return;
  if (is_frozen_) {
    // To let it clean up would be to let it go on.
    if (phase_ == Phase::open) leftovers_ = static_cast<int>(descendants_.signal_all(SIGKILL));
    phase_ = Phase::killing;
    return;
  }
  if (phase_ == Phase::open) leftovers_ = static_cast<int>(descendants_.signal_all(SIGTERM));
  // What is stopped takes SIGTERM only when it goes on.
  if (phase_ == Phase::open) (void)descendants_.signal_all(SIGCONT);
  if (phase_ != Phase::killing) phase_ = Phase::terminating;
  kill_at_ = Clock::now() + std::chrono::milliseconds(std::max(grace_ms, 0));
}

void Run::freeze() {
  if (phase_ != Phase::open) return reply_failed({plan::Stage::launcher, "freeze", ECANCELED});
  is_frozen_ = true;
  // Each dead child that is left would be looked at in every pass.
  reap();
  const launch::Frozen found = descendants_.freeze();
  plan::Reply done{};
  done.kind = plan::ReplyKind::frozen;
  done.value = static_cast<int32_t>(found.processes);
  done.pid = static_cast<int32_t>(found.moving);
  reply(done, {});
}

void Run::thaw() {
  if (phase_ != Phase::open) return reply_failed({plan::Stage::launcher, "thaw", ECANCELED});
  is_frozen_ = false;
  plan::Reply done{};
  done.kind = plan::ReplyKind::thawed;
  done.value = static_cast<int32_t>(descendants_.signal_all(SIGCONT));
  reply(done, {});
}

void Run::reap() {
  while (has_children_) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid == 0) return;
    if (pid < 0) {
      has_children_ = errno != ECHILD;
      return;
    }
    const auto found = std::find(launched_.begin(), launched_.end(), pid);
    if (found == launched_.end()) continue;
    launched_.erase(found);
    plan::Reply exited{};
    exited.kind = plan::ReplyKind::exited;
    exited.pid = pid;
    exited.value = status;
    reply(exited, {});
  }
}

void Run::advance() {
  if (phase_ == Phase::open || phase_ == Phase::ended) return;
  if (has_children_) {
    if (phase_ == Phase::terminating && Clock::now() < kill_at_) return;
    phase_ = Phase::killing;
    if (kill_passes_++ >= passes_before_freeze) (void)descendants_.freeze();
    (void)descendants_.signal_all(SIGKILL);
    reap();
  }
  if (has_children_) return;
  phase_ = Phase::ended;
  plan::Reply ended{};
  ended.kind = plan::ReplyKind::ended;
  ended.value = leftovers_;
  reply(ended, {});
}

void Run::broker_gone() {
  has_broker_ = false;
  // What holds the other end of our socket must not keep it, and ours must not look alive.
  socket_.reset();
  if (phase_ != Phase::ended) phase_ = Phase::killing;
}

void Run::reply(const plan::Reply& reply, std::span<const int> fds) {
  if (!has_broker_) return;
  if (!launch::send_message(socket_.get(), std::as_bytes(std::span(&reply, 1)), fds).ok()) broker_gone();
}

void Run::reply_failed(const launch::SpawnFailure& failure) {
  plan::Reply failed{};
  failed.kind = plan::ReplyKind::failed;
  failed.pid = -1;
  failed.value = failure.error;
  failed.stage = failure.stage;
  std::strncpy(failed.call, failure.call, sizeof(failed.call) - 1);
  reply(failed, {});
}

}  // namespace launcher
