#include "linux/socket/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>

namespace sockets {
namespace {

int result_of(ssize_t returned) { return returned < 0 ? -errno : static_cast<int>(returned); }

}  // namespace

int accept_stream(int listener) {
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) return -errno;
  const int on = 1;
  (void)::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return accepted;
}

int read_stream(int socket, void* bytes, size_t size) { return result_of(::recv(socket, bytes, size, 0)); }

int write_stream(int socket, const void* bytes, size_t size) {
  return result_of(::send(socket, bytes, size, MSG_NOSIGNAL));
}

base::Result<StreamPair> make_stream_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return base::last_failure("socketpair");
  StreamPair pair{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
  // O_NONBLOCK belongs to one end.
  if (::fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return base::last_failure("fcntl");
  return pair;
}

void end_stream(int socket) { (void)::shutdown(socket, SHUT_WR); }

void reset_stream(int socket) {
  const linger none{1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

int connected(int socket) {
  pollfd asked{socket, POLLOUT, 0};
  if (::poll(&asked, 1, 0) == 0) return -EINPROGRESS;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

int name_of(int socket, bool peer, sockaddr_storage& out) {
  socklen_t size = sizeof out;
  auto* address = reinterpret_cast<sockaddr*>(&out);
  return result_of(peer ? ::getpeername(socket, address, &size) : ::getsockname(socket, address, &size));
}

}  // namespace sockets
