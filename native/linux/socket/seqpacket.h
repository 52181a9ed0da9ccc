#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

// SOCK_SEQPACKET sockets of unix(7) that carry a frame, at most four descriptors and the sender's credentials
// a message.
namespace sockets {

inline constexpr size_t kMaxFrameBytes = 65536;
inline constexpr size_t kMaxDescriptors = 4;

struct Pair {
  base::UniqueFd broker;  // non-blocking, SO_PASSCRED
  base::UniqueFd client;
};
[[nodiscard]] base::Result<Pair> make_pair();

struct Message {
  size_t size_bytes = 0;
  // Of SCM_CREDENTIALS, as the kernel checked them; -1 where the socket has no SO_PASSCRED.
  int32_t pid = -1;
  int64_t uid = -1;
  int64_t gid = -1;
  std::array<base::UniqueFd, kMaxDescriptors> fds;
  size_t fd_count = 0;
};

// Receives one message into `buffer` (kMaxFrameBytes) without blocking. Gives 1 for a message, 0 at the end
// of the connection, or -errno: -EAGAIN nothing there; -EPROTO a frame or descriptors too many, all of which
// are closed. Descriptors are close-on-exec.
[[nodiscard]] int receive(int fd, void* buffer, Message& message);

// Sends one message without blocking and without SIGPIPE; the descriptors `passed`, at most kMaxDescriptors,
// are closed by the caller. 0 or -errno, -EAGAIN when the peer's queue is full.
[[nodiscard]] int send(int fd, const void* bytes, size_t size_bytes, std::span<const int> passed);

// The same, and waiting at most `timeout_ms`: only on a thread of a client, which has nobody else to serve.
// -ETIMEDOUT.
[[nodiscard]] int send_within(int fd, const void* bytes, size_t size_bytes, std::span<const int> passed,
                              int timeout_ms);
[[nodiscard]] int receive_within(int fd, void* buffer, Message& message, int timeout_ms);
// The first bytes of the message that is next, which stays there with its descriptors. Gives how many, 0 at
// the end of the connection, or -errno.
[[nodiscard]] int peek_within(int fd, void* buffer, size_t size_bytes, int timeout_ms);

}  // namespace sockets
