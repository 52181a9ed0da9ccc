#include "linux/process/authority.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace process {

namespace {

using base::Done;
using base::Failure;
using base::last_failure;
using base::Result;

struct Sets {
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
};

Result<Sets> read_sets() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return last_failure("capget");
  const auto join = [](uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; };
  return Sets{join(data[0].effective, data[1].effective), join(data[0].permitted, data[1].permitted),
              join(data[0].inheritable, data[1].inheritable)};
}

Result<Done> write_effective(uint64_t effective) {
  Result<Sets> now = read_sets();
  if (!now.ok()) return now.failure();
  const Sets& sets = now.value();
  if (sets.effective == effective) return Done{};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto half = [&](unsigned shift) {
    return __user_cap_data_struct{static_cast<uint32_t>(effective >> shift),
                                  static_cast<uint32_t>(sets.permitted >> shift),
                                  static_cast<uint32_t>(sets.inheritable >> shift)};
  };
  const __user_cap_data_struct data[2] = {half(0), half(32)};
  if (syscall(SYS_capset, &header, data) != 0) return last_failure("capset");
  return Done{};
}

Result<std::vector<gid_t>> read_groups() {
  const int count = getgroups(0, nullptr);
  if (count < 0) return last_failure("getgroups");
  std::vector<gid_t> groups(static_cast<size_t>(count));
  if (getgroups(count, groups.data()) < 0) return last_failure("getgroups");
  return groups;
}

// Both calls give the previous id and cannot report a failure, setfsuid(2): ask again what it is now.
uid_t current_fsuid() { return static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1))); }
gid_t current_fsgid() { return static_cast<gid_t>(setfsgid(static_cast<gid_t>(-1))); }

}  // namespace

Result<Done> Authority::switch_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  if (syscall(SYS_setgroups, groups.size(), groups.data()) != 0) return last_failure("setgroups");
  (void)setfsgid(gid);
  if (current_fsgid() != gid) return Failure{"setfsgid", EPERM};
  (void)setfsuid(uid);
  if (current_fsuid() != uid) return Failure{"setfsuid", EPERM};
  return Done{};
}

Result<Done> Authority::lower(const std::optional<User>& user, const std::vector<int>& keep) {
  if (Result<Done> raised = raise(); !raised.ok()) return raised;
  Result<Sets> sets = read_sets();
  if (!sets.ok()) return sets.failure();
  effective_ = sets.value().effective;
  uint64_t wanted = 0;
  for (const int number : keep) {
    if (number >= 0 && number < 64) wanted |= uint64_t{1} << number;
  }
  if (user.has_value()) {
    Result<std::vector<gid_t>> groups = read_groups();
    if (!groups.ok()) return groups.failure();
    groups_ = std::move(groups.value());
    uid_ = current_fsuid();
    gid_ = current_fsgid();
  }
  lowered_ = true;
  switched_ = user.has_value();
  Result<Done> done = Done{};
  if (user.has_value()) done = switch_user(user->uid, user->gid, user->groups);
  // Last: the calls above need CAP_SETUID and CAP_SETGID.
  if (done.ok()) done = write_effective(effective_ & wanted);
  if (!done.ok()) {
    if (Result<Done> raised = raise(); !raised.ok()) return raised;
  }
  return done;
}

Result<Done> Authority::raise() {
  if (!lowered_) return Done{};
  if (Result<Done> done = write_effective(effective_); !done.ok()) return done;
  if (switched_) {
    if (Result<Done> done = switch_user(uid_, gid_, groups_); !done.ok()) return done;
    // The change of fsuid moves the CAP_FS_SET between the sets, capabilities(7).
    if (Result<Done> done = write_effective(effective_); !done.ok()) return done;
  }
  lowered_ = false;
  switched_ = false;
  return Done{};
}

EffectiveUser::EffectiveUser() {
  const uid_t uid = current_fsuid();
  const gid_t gid = current_fsgid();
  uid_ = geteuid();
  gid_ = getegid();
  if (uid == uid_ && gid == gid_) return;
  Result<Sets> sets = read_sets();
  if (!sets.ok() || !write_effective(sets.value().permitted).ok()) {
    error_ = EPERM;
    return;
  }
  effective_ = sets.value().effective;
  changed_ = true;
  const gid_t keep_gid = static_cast<gid_t>(-1);
  const uid_t keep_uid = static_cast<uid_t>(-1);
  // The kernel takes every effective capability off with the effective uid 0, capabilities(7).
  if (syscall(SYS_setresgid, keep_gid, gid, keep_gid) != 0 ||
      syscall(SYS_setresuid, keep_uid, uid, keep_uid) != 0 || !write_effective(effective_).ok()) {
    error_ = EPERM;
    restore();
  }
}

EffectiveUser::~EffectiveUser() { restore(); }

void EffectiveUser::restore() {
  if (!changed_) return;
  changed_ = false;
  const uid_t fsuid = current_fsuid();
  const gid_t fsgid = current_fsgid();
  const gid_t keep_gid = static_cast<gid_t>(-1);
  const uid_t keep_uid = static_cast<uid_t>(-1);
  CHECK(syscall(SYS_setresuid, keep_uid, uid_, keep_uid) == 0);
  Result<Sets> sets = read_sets();
  CHECK(sets.ok() && write_effective(sets.value().permitted).ok());
  CHECK(syscall(SYS_setresgid, keep_gid, gid_, keep_gid) == 0);
  (void)setfsgid(fsgid);
  (void)setfsuid(fsuid);
  CHECK(current_fsuid() == fsuid && current_fsgid() == fsgid);
  CHECK(write_effective(effective_).ok());
}

Result<Done> isolate_umask() {
  if (unshare(CLONE_FS) != 0) return last_failure("unshare");
  return Done{};
}

}  // namespace process
