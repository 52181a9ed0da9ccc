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

enum class RequestKind : uint32_t { launch = 1, signal = 2, end = 3 };

struct Request {
  RequestKind kind;
  // signal: a launched pid, or minus it for its process group.
  int32_t pid;
  // signal: its number; end: milliseconds between SIGTERM and SIGKILL.
  int32_t value;
};

enum class ReplyKind : uint32_t { launched = 1, failed = 2, exited = 3, ended = 4 };

inline constexpr unsigned max_call_bytes = 28;

// `launched` carries the pidfd and, when asked for, the listener. `launched` and `failed` come in the order
// of the launches.
struct Reply {
  ReplyKind kind;
  int32_t pid;
  // failed: errno; exited: wait status; ended: number of processes that were left.
  int32_t value;
  Stage stage;
  char call[max_call_bytes];
};

// Plan, stdio x3, channel, ruleset.
inline constexpr unsigned max_request_fds = 6;
inline constexpr unsigned max_reply_fds = 2;

}  // namespace plan
