#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

// What the broker does with a socket of a caller, of which it holds a copy (process/descriptors.h).
// All act with the authority of the calling thread, and none waits: O_NONBLOCK is set for the length of a
// call. Each gives 0 or -errno.
namespace sockets {

struct Facts {
  int domain;  // AF_*
  int type;    // SOCK_*
  int protocol;
  uint64_t network;  // SO_NETNS_COOKIE: tells the network namespace that it was made in, Linux 5.14
};
// -ENOTSOCK for anything else. Of an AF_UNIX socket protocol and network are not asked, and 0.
[[nodiscard]] int facts_of(int socket, Facts& facts);

struct Waiting {
  bool blocks;              // O_NONBLOCK is not set
  int64_t send_timeout_ms;  // SO_SNDTIMEO; 0: waits for ever
};
[[nodiscard]] int waiting_of(int socket, Waiting& waiting);

struct Peer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
// Who listens at the other end of a connected socket, SO_PEERCRED of socket(7): whoever called listen(2).
[[nodiscard]] int peer_of(int socket, Peer& peer);

// Connects an AF_UNIX socket to the file that `pinned` (O_PATH) holds, whatever its name leads to by now.
// -EAGAIN: the queue of the listener is full. The peer is told the pid and the effective ids of this thread,
// unix(7).
[[nodiscard]] int connect_to_file(int socket, int pinned);

// connect(2) of an internet socket to `size` bytes of a sockaddr. Asking again tells what came of it:
// -EINPROGRESS on a socket that does not block; -EALREADY on one that does, where the answer of loopback,
// which comes at once, was asked for already.
[[nodiscard]] int connect_to_address(int socket, const void* address, size_t size);

// bind(2) of `size` bytes of a sockaddr. A relative name starts from the directory `base` (O_PATH), or from
// that of the thread when it is -1; `mask` is the umask of a file that is made.
[[nodiscard]] int bind_to(int socket, const void* address, size_t size, int base, mode_t mask);

[[nodiscard]] int listen_at(int socket, int backlog);

}  // namespace sockets
