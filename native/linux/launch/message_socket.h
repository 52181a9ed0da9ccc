#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace launch {

inline constexpr size_t max_message_fds = 8;

// One message of exactly `data` with `fds` (borrowed) attached. EAGAIN: full and non-blocking; EPIPE: the
// other end is gone.
[[nodiscard]] base::Result<base::Done> send_message(int socket, std::span<const std::byte> data,
                                                    std::span<const int> fds);

struct Received {
  // 0: the other end is gone.
  size_t size_bytes = 0;
  size_t fd_count = 0;
  std::array<base::UniqueFd, max_message_fds> fds;
};

// One message, without waiting; its descriptors are close-on-exec. EAGAIN: none is there. EPROTO: cut off, or
// more descriptors than fit.
[[nodiscard]] base::Result<Received> receive_message(int socket, std::span<std::byte> into);

}  // namespace launch
