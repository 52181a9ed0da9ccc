#pragma once

#include <cstddef>

#include "base/result.h"

namespace fs {

// Maps [0, bytes) of the file shared and writable (mmap(2)); end with unmap(). EINVAL when the file is
// shorter: a touch behind its end would be SIGBUS.
[[nodiscard]] base::Result<void*> map_shared(int fd, size_t bytes);
void unmap(void* address, size_t bytes);

}  // namespace fs
