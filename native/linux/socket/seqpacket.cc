#include "linux/socket/seqpacket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace sockets {

using base::last_failure;
using base::Result;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

namespace {

// Takes everything out of the control messages before anything is judged: a descriptor not taken is a
// descriptor leaked.
bool take_control(msghdr& header, Message& message) {
  bool fits = true;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_CREDENTIALS) {
      ucred sender;
      std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
      message.pid = sender.pid;
      message.uid = sender.uid;
      message.gid = sender.gid;
    } else if (part->cmsg_type == SCM_RIGHTS) {
      const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t at = 0; at < count; at++) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(part) + at * sizeof fd, sizeof fd);
        UniqueFd taken(fd);
        if (message.fd_count == kMaxDescriptors) {
          fits = false;
        } else {
          message.fds[message.fd_count++] = std::move(taken);
        }
      }
    }
  }
  return fits;
}

}  // namespace

Result<Pair> make_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) return last_failure("socketpair");
  Pair pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
  // O_NONBLOCK belongs to one end; the client's end may be one that blocks.
  if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return last_failure("fcntl");
  const int on = 1;
  if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return last_failure("setsockopt");
  return pair;
}

int receive(int fd, void* buffer, Message& message) {
  iovec part{buffer, kMaxFrameBytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return -errno;
  message.pid = -1;
  message.uid = -1;
  message.gid = -1;
  message.fd_count = 0;
  const bool fits = take_control(header, message);
  if (!fits || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    for (UniqueFd& taken : message.fds) taken.reset();
    return -EPROTO;
  }
  message.size_bytes = static_cast<size_t>(got);
  return got == 0 && message.pid == -1 ? 0 : 1;
}

int send(int fd, const void* bytes, size_t size_bytes, std::span<const int> passed) {
  if (size_bytes > kMaxFrameBytes) return -EMSGSIZE;
  if (passed.size() > kMaxDescriptors) return -EINVAL;
  iovec part{const_cast<void*>(bytes), size_bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!passed.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(passed.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(passed.size_bytes());
    std::memcpy(CMSG_DATA(rights), passed.data(), passed.size_bytes());
  }
  return sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

namespace {

// Tries, and waits for `events` as long as the answer is -EAGAIN.
template <typename Attempt>
int within(int fd, short events, int timeout_ms, Attempt attempt) {
  const auto end = Clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const int result = attempt();
    if (result != -EAGAIN && result != -EINTR) return result;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left < 0) return -ETIMEDOUT;
    pollfd asked{fd, events, 0};
    // Rounded up: what is left of a millisecond is not spun away.
    if (poll(&asked, 1, static_cast<int>(left) + 1) < 0 && errno != EINTR) return -errno;
  }
}

}  // namespace

int send_within(int fd, const void* bytes, size_t size_bytes, std::span<const int> passed, int timeout_ms) {
  return within(fd, POLLOUT, timeout_ms, [&] { return send(fd, bytes, size_bytes, passed); });
}

int receive_within(int fd, void* buffer, Message& message, int timeout_ms) {
  return within(fd, POLLIN, timeout_ms, [&] { return receive(fd, buffer, message); });
}

int peek_within(int fd, void* buffer, size_t size_bytes, int timeout_ms) {
  return within(fd, POLLIN, timeout_ms, [&] {
    const ssize_t got = recv(fd, buffer, size_bytes, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 ? -errno : static_cast<int>(got);
  });
}

}  // namespace sockets
