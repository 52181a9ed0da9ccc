#include "linux/launch/launcher_client.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "linux/launch/message_socket.h"
#include "linux/uapi.h"

namespace launch {
namespace {

constexpr int launcher_socket_fd = 3;

base::Result<base::UniqueFd> sealed_memfd(std::span<const uint8_t> bytes) {
  base::UniqueFd fd(::memfd_create("sallyport-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
  // Until Linux 6.3: the flag is unknown, and nothing demands it.
  if (!fd.valid() && errno == EINVAL)
    fd.reset(::memfd_create("sallyport-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return base::last_failure("memfd_create");
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put < 0) return base::last_failure("write");
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return base::last_failure("fcntl");
  }
  return fd;
}

int spawn_with_socket(const std::string& program, int socket, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = ::posix_spawn_file_actions_init(&actions);
  if (error != 0) return error;
  error = ::posix_spawnattr_init(&attributes);
  if (error == 0) {
    sigset_t all;
    (void)::sigfillset(&all);
    // Also clears close-on-exec when the number is 3 already (glibc 2.29).
    error = ::posix_spawn_file_actions_adddup2(&actions, socket, launcher_socket_fd);
    (void)::posix_spawnattr_setsigmask(&attributes, &all);
    (void)::posix_spawnattr_setsigdefault(&attributes, &all);
    (void)::posix_spawnattr_setflags(&attributes,
                                     POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    char name[] = "sallyport-launcher";
    char* argv[] = {name, nullptr};
    char* env[] = {nullptr};
    if (error == 0) error = ::posix_spawn(pid, program.c_str(), &actions, &attributes, argv, env);
    (void)::posix_spawnattr_destroy(&attributes);
  }
  (void)::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

base::Result<LauncherClient> LauncherClient::start(const std::string& program) {
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return base::last_failure("socketpair");
  LauncherClient client;
  client.socket_.reset(pair[0]);
  const base::UniqueFd theirs(pair[1]);
  // Ours only: the two ends of a pair have file descriptions of their own, and the launcher may block in a
  // send.
  if (::fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) return base::last_failure("fcntl");
  const int error = spawn_with_socket(program, theirs.get(), &client.pid_);
  if (error != 0) return base::Failure{"posix_spawn", error};
  client.pidfd_.reset(static_cast<int>(::syscall(__NR_pidfd_open, client.pid_, 0)));
  if (!client.pidfd_.valid()) return base::last_failure("pidfd_open");
  return client;
}

base::Result<base::Done> LauncherClient::send(const plan::Request& request, std::span<const int> fds) {
  return send_message(socket_.get(), std::as_bytes(std::span(&request, 1)), fds);
}

base::Result<base::Done> LauncherClient::launch(const plan::LaunchPlan& plan, std::span<const int> fds) {
  const auto bytes = plan::serialise_plan(plan);
  if (!bytes) return base::Failure{"serialise_plan", EINVAL};
  base::Result<base::UniqueFd> memfd = sealed_memfd(*bytes);
  if (!memfd.ok()) return memfd.failure();
  std::vector<int> all{memfd.value().get()};
  all.insert(all.end(), fds.begin(), fds.end());
  return send(plan::Request{plan::RequestKind::launch, 0, 0, {}}, all);
}

base::Result<base::Done> LauncherClient::enter_network(bool with_user) {
  return send(plan::Request{plan::RequestKind::network, 0, with_user ? 1 : 0, {}}, {});
}

base::Result<base::Done> LauncherClient::open_endpoint(const plan::Endpoint& endpoint) {
  return send(plan::Request{plan::RequestKind::endpoint, 0, 0, endpoint}, {});
}

base::Result<base::Done> LauncherClient::signal(pid_t pid, int number) {
  return send(plan::Request{plan::RequestKind::signal, pid, number, {}}, {});
}

base::Result<base::Done> LauncherClient::end(int grace_ms) {
  return send(plan::Request{plan::RequestKind::end, 0, grace_ms, {}}, {});
}

base::Result<base::Done> LauncherClient::freeze() {
  return send(plan::Request{plan::RequestKind::freeze, 0, 0, {}}, {});
}

base::Result<base::Done> LauncherClient::thaw() {
  return send(plan::Request{plan::RequestKind::thaw, 0, 0, {}}, {});
}

base::Result<LauncherEvent> LauncherClient::next_event() {
  LauncherEvent event;
  base::Result<Received> received =
      receive_message(socket_.get(), std::as_writable_bytes(std::span(&event.reply, 1)));
  if (!received.ok()) return received.failure();
  Received& message = received.value();
  if (message.size_bytes == 0) return base::Failure{"recvmsg", ECHILD};
  event.reply.call[plan::max_call_bytes - 1] = '\0';
  const bool carries =
      event.reply.kind == plan::ReplyKind::launched || event.reply.kind == plan::ReplyKind::opened;
  if (message.size_bytes != sizeof(event.reply) || message.fd_count > plan::max_reply_fds ||
      carries != (message.fd_count > 0)) {
    return base::Failure{"recvmsg", EPROTO};
  }
  event.first = std::move(message.fds[0]);
  event.listener = std::move(message.fds[1]);
  if (event.listener.valid() && ::fcntl(event.listener.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::last_failure("fcntl");
  }
  return event;
}

void LauncherClient::reap() const {
  int status = 0;
  (void)::waitpid(pid_, &status, WNOHANG);
}

}  // namespace launch
