#include "linux/landlock/ruleset.h"

#include <unistd.h>

#include "linux/uapi.h"

namespace landlock {
namespace {

constexpr const char* create_call = "landlock_create_ruleset";

}  // namespace

base::Result<int> abi() {
  const long version = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return base::last_failure(create_call);
  return static_cast<int>(version);
}

base::Result<int> errata() {
  const long fixed = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_ERRATA);
  if (fixed >= 0) return static_cast<int>(fixed);
  // Until Linux 6.15: the flag is unknown.
  if (errno == EINVAL) return 0;
  return base::last_failure(create_call);
}

base::Result<base::UniqueFd> create_ruleset(uint64_t handled_fs, uint64_t handled_net, uint64_t scoped) {
  uapi::LandlockRulesetAttr attr{};
  attr.handled_access_fs = handled_fs;
  attr.handled_access_net = handled_net;
  attr.scoped = scoped;
  const long fd = ::syscall(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0);
  if (fd < 0) return base::last_failure(create_call);
  return base::UniqueFd(static_cast<int>(fd));
}

base::Result<base::Done> add_path(int ruleset_fd, int path_fd, uint64_t allowed) {
  landlock_path_beneath_attr attr{};
  attr.allowed_access = allowed;
  attr.parent_fd = path_fd;
  if (::syscall(__NR_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) != 0) {
    return base::last_failure("landlock_add_rule");
  }
  return base::Done{};
}

}  // namespace landlock
