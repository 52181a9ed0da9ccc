#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace process {

struct User {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

// What the calling thread may do, lowered for the length of an effect to what the effect's caller may do. Raw
// system calls: those of libc change every thread of the process. All calls come from one and the same
// thread.
class Authority {
 public:
  // Effective capabilities become those of `keep` (numbers of capability.h) that are effective now; with a
  // user also setgroups(2), setfsgid(2), setfsuid(2). From fsuid 0 to another the kernel takes the CAP_FS_SET
  // off as well, capabilities(7). A second call starts again from what raise() would restore. On failure the
  // thread is raised again.
  [[nodiscard]] base::Result<base::Done> lower(const std::optional<User>& user, const std::vector<int>& keep);

  // Restores what the first lower() found. Does nothing when nothing was lowered.
  [[nodiscard]] base::Result<base::Done> raise();

 private:
  [[nodiscard]] base::Result<base::Done> switch_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups);

  bool lowered_ = false;
  bool switched_ = false;
  uint64_t effective_ = 0;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
};

// Makes the file system user of the calling thread (Authority::lower) its effective one too, for as long as
// this object lives: a peer is told the effective ids, unix(7). Does nothing when they are the same already.
class EffectiveUser {
 public:
  EffectiveUser();
  EffectiveUser(const EffectiveUser&) = delete;
  EffectiveUser& operator=(const EffectiveUser&) = delete;
  // Ends the process when it can not restore what was: it would go on with the wrong authority.
  ~EffectiveUser();
  // 0, or the errno with which it failed; nothing has changed then.
  [[nodiscard]] int error() const { return error_; }

 private:
  void restore();

  bool changed_ = false;
  int error_ = 0;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  uint64_t effective_ = 0;
};

// Gives the calling thread its own umask, working directory and root (unshare(2), CLONE_FS).
[[nodiscard]] base::Result<base::Done> isolate_umask();

}  // namespace process
