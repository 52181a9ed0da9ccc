#pragma once

#include <sys/resource.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

#include "linux/uapi.h"
#include "plan/launcher_message.h"

namespace launch {

struct RlimitEntry {
  uint32_t resource;
  rlimit64 limit;
};

// Everything the child needs, prepared by its parent: pointers into memory that stays alive while the parent
// is suspended. Descriptors are above 3, so that no dup2(2) of the child hits one it still needs, and
// close-on-exec.
struct ChildSetup {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* cwd;
  int stdio[3];
  int channel_fd;
  int terminal_index;
  int ruleset_fd;
  // len 0: none.
  sock_fprog stub_filter;
  sock_fprog filter;
  bool notify;
  // Where the listener goes: `handover_message` has room for one descriptor at `handover_slot`.
  int handover_fd;
  msghdr* handover_message;
  int* handover_slot;
  bool switch_user;
  uint32_t uid;
  uint32_t gid;
  const uint32_t* groups;
  size_t group_count;
  uint64_t keep_capabilities;
  uint32_t umask;
  const RlimitEntry* rlimits;
  size_t rlimit_count;
  // null: leave the affinity.
  const unsigned long* cpu_mask;
  size_t cpu_mask_bytes;
};

// What became of the child; written by it into the parent's memory. error 0: the program runs.
struct ChildReport {
  plan::Stage stage;
  const char* call;
  int error;
};

struct ChildArgument {
  const ChildSetup* setup;
  ChildReport* report;
};

// Entry of a clone3(CLONE_VM|CLONE_VFORK) child with a stack of its own and every signal blocked. Confines
// itself, then executes the program, or reports and leaves with 125. Raw system calls only; its undefined
// symbols are checked by test/native/run.sh.
[[noreturn]] void run_child(void* argument);

}  // namespace launch
