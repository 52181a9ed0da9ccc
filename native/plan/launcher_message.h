#pragma once

#include <cstdint>

// What the addon and the launcher say to each other over one SOCK_SEQPACKET socket: fixed structs of one
// build, one struct a message. A launch carries the plan (a sealed memfd) and the descriptors of
// plan::LaunchPlan by SCM_RIGHTS.
namespace plan {

// The steps of a launch; `launcher` is everything outside the child. The names are those of
// platform/binding.ts.
enum class Stage : uint32_t {
  launcher,
  network,
  session,
  terminal,
  stdio,
  rlimits,
  affinity,
  user,
  capabilities,
  directory,
  no_new_privs,
  landlock,
  seccomp_stub,
  seccomp,
  listener,
  exec,
};
[[nodiscard]] const char* stage_name(Stage stage);

// network comes before the first launch: everything launched after it is born in a network namespace of the
// run's own. freeze stops every process of the run until thaw; whatever is ended meanwhile is killed.
enum class RequestKind : uint32_t {
  launch = 1,
  signal = 2,
  end = 3,
  network = 4,
  endpoint = 5,
  freeze = 6,
  thaw = 7
};

enum class AddressFamily : uint8_t { ipv4 = 4, ipv6 = 6 };
enum class EndpointUse : uint8_t { listen = 1, datagram = 2, connect = 3 };

// A socket inside the network namespace of the run; `address` in network order, four or sixteen bytes.
struct Endpoint {
  AddressFamily family;
  EndpointUse use;
  uint16_t port;
  uint8_t address[16];
};

struct Request {
  RequestKind kind;
  // signal: a launched pid, or minus it for its process group.
  int32_t pid;
  // signal: its number; end: milliseconds between SIGTERM and SIGKILL; network: 1 for an user namespace as
  // well.
  int32_t value;
  Endpoint endpoint;
};

enum class ReplyKind : uint32_t {
  launched = 1,
  failed = 2,
  exited = 3,
  ended = 4,
  entered = 5,
  opened = 6,
  frozen = 7,
  thawed = 8
};

inline constexpr unsigned max_call_bytes = 28;

// `launched` carries the pidfd and, when asked for, the listener; `opened` the socket. All but `exited` and
// `ended` come in the order of the requests.
struct Reply {
  ReplyKind kind;
  // frozen: how many of them are not known to have stopped.
  int32_t pid;
  // failed: errno; exited: wait status; ended: number of processes that were left; entered: 1 with IPv6;
  // frozen and thawed: number of processes.
  int32_t value;
  Stage stage;
  char call[max_call_bytes];
};

// Plan, stdio x3, channel, ruleset.
inline constexpr unsigned max_request_fds = 6;
inline constexpr unsigned max_reply_fds = 2;

}  // namespace plan
