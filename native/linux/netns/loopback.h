#pragma once

#include "base/result.h"

namespace netns {

struct Reach {
  // false: this kernel or its settings have no IPv6, and its addresses are unreachable.
  bool ipv6 = false;
};

// Brings the loopback interface of the calling process's network namespace up and makes every address there
// is a local one ("AnyIP"), so that whatever a program connects to arrives at a listener of the same
// namespace or is refused there. Needs CAP_NET_ADMIN in it. rtnetlink(7)
[[nodiscard]] base::Result<Reach> make_every_address_local();

}  // namespace netns
