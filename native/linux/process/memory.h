#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

// Copies out of another thread's memory with process_vm_readv(2). The caller needs PTRACE_MODE_ATTACH over
// it; a target that made itself non-dumpable answers EPERM. What was read may change at once: act on the copy
// and never read twice.
namespace process {

// Copies the NUL-terminated string at `address` and gives its length without the NUL. `size` counts the NUL.
// Reads never cross into a page that the string does not reach, so a string that ends at the end of a mapping
// is read. -ENAMETOOLONG: no NUL within `size`; -EFAULT: unmapped before a NUL; -ESRCH, -EPERM.
[[nodiscard]] ssize_t read_string(int tid, uint64_t address, char* buffer, size_t size);

// Copies exactly `size` bytes. 0 or -errno.
[[nodiscard]] int read_bytes(int tid, uint64_t address, void* buffer, size_t size);

}  // namespace process
