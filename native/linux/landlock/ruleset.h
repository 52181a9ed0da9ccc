#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

// Landlock rulesets, landlock(7). Policy-free: nothing is masked or degraded here; a bit the kernel does not
// know is EINVAL, and the caller asks abi() first. Any thread; restricting oneself is the work of
// linux/launch/child.cc.
namespace landlock {

// The highest ABI of the running kernel (Linux 5.13). ENOSYS: not built in; EOPNOTSUPP: off at boot.
[[nodiscard]] base::Result<int> abi();
// Bit n-1: erratum n is fixed (Linux 6.15). Empty (0) where the query is unknown.
[[nodiscard]] base::Result<int> errata();
// Close-on-exec. ENOMSG: nothing is handled.
[[nodiscard]] base::Result<base::UniqueFd> create_ruleset(uint64_t handled_fs, uint64_t handled_net,
                                                          uint64_t scoped);
// Allows `allowed` beneath what `path_fd` (borrowed, best O_PATH) names. For anything but a directory the
// caller has masked the bits that only directories take (READ_DIR, REMOVE_*, MAKE_*, REFER): EINVAL
// otherwise. ENOMSG: no bit.
[[nodiscard]] base::Result<base::Done> add_path(int ruleset_fd, int path_fd, uint64_t allowed);

}  // namespace landlock
