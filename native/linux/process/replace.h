#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace process {

// Executes `program` in place of this process with its environment (execve(2)), from the main thread. The
// descriptors of `keep` lose their close-on-exec flag. Returns only when that failed.
[[nodiscard]] base::Result<base::Done> replace(const std::string& program,
                                               const std::vector<std::string>& argv,
                                               const std::vector<int>& keep);

}  // namespace process
