#include "linux/socket/endpoint.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/check.h"
#include "base/unique_fd.h"

namespace sockets {

namespace {

int negative_errno(int returned) { return returned < 0 ? -errno : 0; }

template <typename Option>
int read_option(int socket, int option, Option& value) {
  socklen_t size = sizeof value;
  return negative_errno(getsockopt(socket, SOL_SOCKET, option, &value, &size));
}

// The flag belongs to the open file, which the caller shares: it waits in the same call, and its other
// threads see the flag for some microseconds.
class NonBlocking {
 public:
  explicit NonBlocking(int socket) : socket_(socket), flags_(fcntl(socket, F_GETFL)) {
    if (flags_ >= 0 && (flags_ & O_NONBLOCK) == 0) (void)fcntl(socket_, F_SETFL, flags_ | O_NONBLOCK);
  }
  NonBlocking(const NonBlocking&) = delete;
  NonBlocking& operator=(const NonBlocking&) = delete;
  ~NonBlocking() {
    if (flags_ >= 0 && (flags_ & O_NONBLOCK) == 0) (void)fcntl(socket_, F_SETFL, flags_);
  }
  [[nodiscard]] bool blocked() const { return flags_ >= 0 && (flags_ & O_NONBLOCK) == 0; }

 private:
  int socket_;
  int flags_;
};

// The thread has a working directory of its own (process/authority.h, isolate_umask).
class WorkingDirectory {
 public:
  explicit WorkingDirectory(int base) {
    if (base < 0) return;
    before_.reset(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    error_ = before_.valid() && fchdir(base) == 0 ? 0 : errno;
    if (error_ != 0) before_.reset();
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  ~WorkingDirectory() {
    if (before_.valid()) CHECK(fchdir(before_.get()) == 0);
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  base::UniqueFd before_;
  int error_ = 0;
};

}  // namespace

int facts_of(int socket, Facts& facts) {
  if (const int failed = read_option(socket, SO_DOMAIN, facts.domain); failed < 0) return failed;
  if (const int failed = read_option(socket, SO_TYPE, facts.type); failed < 0) return failed;
  if (facts.domain == AF_UNIX) return 0;
  if (const int failed = read_option(socket, SO_PROTOCOL, facts.protocol); failed < 0) return failed;
  return read_option(socket, SO_NETNS_COOKIE, facts.network);
}

int waiting_of(int socket, Waiting& waiting) {
  timeval timeout{};
  if (const int failed = read_option(socket, SO_SNDTIMEO, timeout); failed < 0) return failed;
  waiting.send_timeout_ms = int64_t{timeout.tv_sec} * 1000 + timeout.tv_usec / 1000;
  const int flags = fcntl(socket, F_GETFL);
  if (flags < 0) return -errno;
  waiting.blocks = (flags & O_NONBLOCK) == 0;
  return 0;
}

int peer_of(int socket, Peer& peer) {
  ucred told{};
  if (const int failed = read_option(socket, SO_PEERCRED, told); failed < 0) return failed;
  peer = {told.pid, told.uid, told.gid};
  return 0;
}

int connect_to_file(int socket, int pinned) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", pinned);
  const NonBlocking held(socket);
  return negative_errno(connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

int connect_to_address(int socket, const void* address, size_t size) {
  const NonBlocking held(socket);
  const auto once = [&] {
    return negative_errno(
        connect(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)));
  };
  const int result = once();
  return result == -EINPROGRESS && held.blocked() ? once() : result;
}

int bind_to(int socket, const void* address, size_t size, int base, mode_t mask) {
  const WorkingDirectory here(base);
  if (here.error() != 0) return -here.error();
  const mode_t before = umask(mask & 0777);
  const int failed =
      negative_errno(bind(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(size)));
  (void)umask(before);
  return failed;
}

int listen_at(int socket, int backlog) { return negative_errno(listen(socket, backlog)); }

}  // namespace sockets
