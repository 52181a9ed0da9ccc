#include "linux/process/memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace process {

namespace {

constexpr size_t kPageBytes = 4096;

ssize_t copy(int tid, uint64_t address, void* buffer, size_t size) {
  iovec local{buffer, size};
  iovec remote{reinterpret_cast<void*>(address),
               size};  // NOLINT(performance-no-int-to-ptr): another address space
  const ssize_t copied = process_vm_readv(tid, &local, 1, &remote, 1, 0);
  return copied < 0 ? -errno : copied;
}

}  // namespace

ssize_t read_string(int tid, uint64_t address, char* buffer, size_t size) {
  size_t have = 0;
  while (have < size) {
    const uint64_t at = address + have;
    if (at < address) return -EFAULT;
    const size_t chunk = std::min<size_t>(size - have, kPageBytes - at % kPageBytes);
    const ssize_t copied = copy(tid, at, buffer + have, chunk);
    if (copied < 0) return copied;
    if (copied == 0) return -EFAULT;
    const void* end = std::memchr(buffer + have, 0, static_cast<size_t>(copied));
    if (end != nullptr) return static_cast<const char*>(end) - buffer;
    have += static_cast<size_t>(copied);
  }
  return -ENAMETOOLONG;
}

int read_bytes(int tid, uint64_t address, void* buffer, size_t size) {
  if (size == 0) return 0;
  const ssize_t copied = copy(tid, address, buffer, size);
  if (copied < 0) return static_cast<int>(copied);
  return static_cast<size_t>(copied) == size ? 0 : -EFAULT;
}

}  // namespace process
