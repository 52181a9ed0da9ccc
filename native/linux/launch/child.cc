#include "linux/launch/child.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "linux/raw_syscall.h"

namespace launch {
namespace {

using sys::raw;
using sys::raw_syscall;

using plan::Stage;

class Child {
 public:
  Child(const ChildSetup& setup, ChildReport& report) : setup_(setup), report_(report) {}

  // The order of design.md §5, each step before the one that would forbid it.
  void run() {
    enter_session();
    place_descriptors();
    limit_resources();
    switch_user();
    drop_capabilities();
    // With the authority of the caller, not of the launcher: a directory that the user cannot search stays
    // closed.
    at(Stage::directory, "chdir", raw_syscall(__NR_chdir, raw(setup_.cwd)));
    at(Stage::no_new_privs, "prctl", raw_syscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1));
    if (setup_.ruleset_fd >= 0) {
      at(Stage::landlock, "landlock_restrict_self",
         raw_syscall(__NR_landlock_restrict_self, setup_.ruleset_fd, 0));
    }
    const uint64_t no_signal = 0;
    at(Stage::session, "rt_sigprocmask",
       raw_syscall(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, raw(&no_signal), 0, sizeof(no_signal)));
    install_filters();
    at(Stage::exec, "execve", raw_syscall(__NR_execve, raw(setup_.path), raw(setup_.argv), raw(setup_.env)));
  }

 private:
  long at(Stage stage, const char* call, long result) {
    if (result >= 0) return result;
    fail(stage, call, static_cast<int>(-result));
  }

  [[noreturn]] void fail(Stage stage, const char* call, int error) {
    report_.stage = stage;
    report_.call = call;
    report_.error = error;
    for (;;) raw_syscall(__NR_exit_group, 125);
  }

  void enter_session() {
    at(Stage::session, "setsid", raw_syscall(__NR_setsid));
    if (setup_.terminal_index < 0) return;
    at(Stage::terminal, "ioctl", raw_syscall(__NR_ioctl, setup_.stdio[setup_.terminal_index], TIOCSCTTY, 0));
  }

  void place_descriptors() {
    for (int target = 0; target < 3; ++target) {
      at(Stage::stdio, "dup3", raw_syscall(__NR_dup3, setup_.stdio[target], target, 0));
    }
    if (setup_.channel_fd >= 0) at(Stage::stdio, "dup3", raw_syscall(__NR_dup3, setup_.channel_fd, 3, 0));
    // Everything is close-on-exec from birth; this holds when something was not. The ruleset and the
    // hand-over socket are still needed, so the range is closed by execve(2).
    const int first = setup_.channel_fd >= 0 ? 4 : 3;
    at(Stage::stdio, "close_range", raw_syscall(__NR_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC));
  }

  void limit_resources() {
    for (size_t i = 0; i < setup_.rlimit_count; ++i) {
      const RlimitEntry& entry = setup_.rlimits[i];
      at(Stage::rlimits, "prlimit64", raw_syscall(__NR_prlimit64, 0, entry.resource, raw(&entry.limit), 0));
    }
    raw_syscall(__NR_umask, setup_.umask);
    if (setup_.cpu_mask == nullptr) return;
    at(Stage::affinity, "sched_setaffinity",
       raw_syscall(__NR_sched_setaffinity, 0, static_cast<long>(setup_.cpu_mask_bytes),
                   raw(setup_.cpu_mask)));
  }

  // Groups, gid, uid: each needs an authority that the next one gives away.
  void switch_user() {
    if (!setup_.switch_user) return;
    // The bounding set is dropped after the switch and needs CAP_SETPCAP; cleared again by the locked
    // securebits.
    at(Stage::user, "prctl", raw_syscall(__NR_prctl, PR_SET_KEEPCAPS, 1));
    at(Stage::user, "setgroups",
       raw_syscall(__NR_setgroups, static_cast<long>(setup_.group_count), raw(setup_.groups)));
    at(Stage::user, "setresgid", raw_syscall(__NR_setresgid, setup_.gid, setup_.gid, setup_.gid));
    at(Stage::user, "setresuid", raw_syscall(__NR_setresuid, setup_.uid, setup_.uid, setup_.uid));
    uint32_t ids[3] = {};
    at(Stage::user, "getresuid", raw_syscall(__NR_getresuid, raw(&ids[0]), raw(&ids[1]), raw(&ids[2])));
    if (ids[0] != setup_.uid || ids[1] != setup_.uid || ids[2] != setup_.uid)
      fail(Stage::user, "setresuid", EPERM);
    at(Stage::user, "getresgid", raw_syscall(__NR_getresgid, raw(&ids[0]), raw(&ids[1]), raw(&ids[2])));
    if (ids[0] != setup_.gid || ids[1] != setup_.gid || ids[2] != setup_.gid)
      fail(Stage::user, "setresgid", EPERM);
  }

  struct Capabilities {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
  };

  Capabilities capabilities() {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    at(Stage::capabilities, "capget", raw_syscall(__NR_capget, raw(&header), raw(data)));
    return Capabilities{(uint64_t{data[1].effective} << 32U) | data[0].effective,
                        (uint64_t{data[1].permitted} << 32U) | data[0].permitted,
                        (uint64_t{data[1].inheritable} << 32U) | data[0].inheritable};
  }

  void set_capabilities(uint64_t permitted, uint64_t inheritable) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const auto low = [](uint64_t set) { return static_cast<uint32_t>(set); };
    const auto high = [](uint64_t set) { return static_cast<uint32_t>(set >> 32U); };
    __user_cap_data_struct data[2] = {{low(permitted), low(permitted), low(inheritable)},
                                      {high(permitted), high(permitted), high(inheritable)}};
    at(Stage::capabilities, "capset", raw_syscall(__NR_capset, raw(&header), raw(data)));
  }

  // capabilities(7). After execve(2) exactly `keep` is permitted, effective, inheritable and ambient.
  void drop_capabilities() {
    const uint64_t keep = setup_.keep_capabilities;
    const uint64_t set_pcap = uint64_t{1} << CAP_SETPCAP;
    const bool may_bound = (capabilities().permitted & set_pcap) != 0;
    set_capabilities(may_bound ? keep | set_pcap : keep, keep);
    at(Stage::capabilities, "prctl",
       raw_syscall(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    for (unsigned long cap = 0; cap < 64; ++cap) {
      if (((keep >> cap) & 1U) == 0) continue;
      // execve(2) of a program without file capabilities keeps the ambient set only.
      const auto number = static_cast<long>(cap);
      at(Stage::capabilities, "prctl",
         raw_syscall(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0));
    }
    if (may_bound) bound_capabilities(keep);
    set_capabilities(keep, keep);
    // Without CAP_SETPCAP the bounding set stays; no_new_privs, set next and for good, then keeps execve(2)
    // from adding to what is permitted here (cap_bprm_creds_from_file), so an exact read-back closes the
    // case.
    const Capabilities now = capabilities();
    if (now.effective != keep || now.permitted != keep || now.inheritable != keep) {
      fail(Stage::capabilities, "capget", EPERM);
    }
  }

  void bound_capabilities(uint64_t keep) {
    for (unsigned long cap = 0; cap < 64; ++cap) {
      if (((keep >> cap) & 1U) != 0) continue;
      const long result = raw_syscall(__NR_prctl, PR_CAPBSET_DROP, static_cast<long>(cap));
      if (result == -EINVAL) break;  // above the last capability of this kernel
      at(Stage::capabilities, "prctl", result);
    }
    // uid 0 stands for nothing from here on, in this process and all that come from it. What is locked
    // already stays.
    const long held = at(Stage::capabilities, "prctl", raw_syscall(__NR_prctl, PR_GET_SECUREBITS));
    const long wanted = (held & ~long{SECBIT_KEEP_CAPS}) | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
                        SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                        SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    at(Stage::capabilities, "prctl", raw_syscall(__NR_prctl, PR_SET_SECUREBITS, wanted));
  }

  void install_filters() {
    if (setup_.stub_filter.len != 0) {
      at(Stage::seccomp_stub, "seccomp",
         raw_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, raw(&setup_.stub_filter)));
    }
    if (setup_.filter.len == 0) return;
    const unsigned long flags =
        setup_.notify ? SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 0;
    const long listener =
        at(Stage::seccomp, "seccomp",
           raw_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, static_cast<long>(flags), raw(&setup_.filter)));
    if (!setup_.notify) return;
    // Nobody answers the listener yet: from here only calls that no filter traps (sendmsg, execve,
    // exit_group). The listener is close-on-exec by birth, so the program cannot answer for itself.
    *setup_.handover_slot = static_cast<int>(listener);
    at(Stage::listener, "sendmsg",
       raw_syscall(__NR_sendmsg, setup_.handover_fd, raw(setup_.handover_message), MSG_NOSIGNAL));
  }

  const ChildSetup& setup_;
  ChildReport& report_;
};

}  // namespace

void run_child(void* argument) {
  const auto* in = static_cast<const ChildArgument*>(argument);
  Child child(*in->setup, *in->report);
  child.run();
  __builtin_unreachable();
}

}  // namespace launch
