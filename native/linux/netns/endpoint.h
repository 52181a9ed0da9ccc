#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/launcher_message.h"

namespace netns {

// Makes the socket of `request` in the network namespace of the calling process: non-blocking, close-on-exec,
// and listening, bound or on its way to be connected as asked.
[[nodiscard]] base::Result<base::UniqueFd> open_endpoint(const plan::Endpoint& endpoint);

}  // namespace netns
