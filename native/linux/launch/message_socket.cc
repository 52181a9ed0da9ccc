#include "linux/launch/message_socket.h"

#include <cstring>

#include "base/check.h"

namespace launch {
namespace {

constexpr size_t control_bytes = CMSG_SPACE(sizeof(int) * max_message_fds);

// Takes the descriptors out of `header`; those that do not fit are closed.
size_t take_fds(msghdr& header, Received& out) {
  size_t extra = 0;
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
      base::UniqueFd owned(fd);
      if (out.fd_count < max_message_fds) {
        out.fds[out.fd_count++] = std::move(owned);
      } else {
        ++extra;
      }
    }
  }
  return extra;
}

}  // namespace

base::Result<base::Done> send_message(int socket, std::span<const std::byte> data, std::span<const int> fds) {
  CHECK(fds.size() <= max_message_fds);
  alignas(cmsghdr) std::array<unsigned char, control_bytes> control{};
  iovec part{const_cast<std::byte*>(data.data()), data.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(item), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (::sendmsg(socket, &header, MSG_NOSIGNAL) >= 0) return base::Done{};
    if (errno != EINTR) return base::last_failure("sendmsg");
  }
}

base::Result<Received> receive_message(int socket, std::span<std::byte> into) {
  alignas(cmsghdr) std::array<unsigned char, control_bytes> control{};
  iovec part{into.data(), into.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size_bytes = 0;
  do {
    size_bytes = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size_bytes < 0 && errno == EINTR);
  if (size_bytes < 0) return base::last_failure("recvmsg");
  Received out;
  out.size_bytes = static_cast<size_t>(size_bytes);
  const size_t extra = take_fds(header, out);
  if (extra != 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return base::Failure{"recvmsg", EPROTO};
  return out;
}

}  // namespace launch
