#pragma once

#include "base/result.h"

// A network namespace of the run's own: nothing leads out of it. network_namespaces(7)
namespace netns {

// What the caller gives up on the way in. `network` needs CAP_SYS_ADMIN; `user_and_network` also enters an
// user namespace in which only the own uid and gid are mapped, each to itself.
enum class With { network, user_and_network };

// Moves the calling process into a network namespace of its own. It must be single-threaded and have no
// children yet: those that come are born inside.
[[nodiscard]] base::Result<base::Done> enter(With with);

// Whether `fd` is a socket that reaches past the namespace of the caller: one of another network namespace,
// or a Unix socket that is not connected for life. What can not be told is foreign.
[[nodiscard]] bool is_foreign_socket(int fd);

}  // namespace netns
