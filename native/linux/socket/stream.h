#pragma once

#include <sys/socket.h>

#include <cstddef>

#include "base/result.h"
#include "base/unique_fd.h"

// Stream sockets of the broker's own. Nothing waits: a result is a count, 0, or -errno.
namespace sockets {

// The next connection of a listener, non-blocking, close-on-exec, and without Nagle's delay.
[[nodiscard]] int accept_stream(int listener);
// 0: the peer has ended.
[[nodiscard]] int read_stream(int socket, void* bytes, size_t size);
[[nodiscard]] int write_stream(int socket, const void* bytes, size_t size);
struct StreamPair {
  base::UniqueFd ours;  // non-blocking
  base::UniqueFd theirs;
};
// Two connected AF_UNIX sockets, close-on-exec.
[[nodiscard]] base::Result<StreamPair> make_stream_pair();
// Ends our own side; the peer reads what was written first.
void end_stream(int socket);
// Makes the close that follows a reset.
void reset_stream(int socket);
// What came of a connect(2) that is in progress: 0, -EINPROGRESS, or why it failed.
[[nodiscard]] int connected(int socket);
// getsockname(2) or getpeername(2).
[[nodiscard]] int name_of(int socket, bool peer, sockaddr_storage& out);

}  // namespace sockets
