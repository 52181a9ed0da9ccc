#pragma once

namespace probe {

struct Outcome {
  const char* call;
  int error;
  int value;
};

// One try. Runs in a child that shares memory with its suspended parent: libc calls that keep no state are
// fine, threads and locks are not. Leaves nothing behind outside the child.
using Attempt = Outcome (*)();

Outcome landlock_abi();
Outcome landlock_errata();
Outcome landlock_scope_signal();
Outcome landlock_scope_abstract();
Outcome seccomp_filter();
Outcome seccomp_notify();
Outcome seccomp_addfd_send();
Outcome seccomp_wait_killable();
Outcome seccomp_sync_wake_up();
Outcome open_beneath();
Outcome pidfd_thread();
Outcome pidfd_info();
Outcome close_range_cloexec();
Outcome io_uring();
Outcome nothing();
Outcome private_mount();
Outcome loopback_up();
Outcome cgroup2();
Outcome unnamed_file();
Outcome exchange();
Outcome memfd_noexec();
Outcome overlay_stage();
Outcome exec_watch();

}  // namespace probe
