#include "linux/fs/mapping.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace fs {

base::Result<void*> map_shared(int fd, size_t bytes) {
  struct stat status;
  if (fstat(fd, &status) != 0) return base::last_failure("fstat");
  if (bytes == 0 || static_cast<size_t>(status.st_size) < bytes) return base::Failure{"mmap", EINVAL};
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return base::last_failure("mmap");
  return address;
}

void unmap(void* address, size_t bytes) { (void)munmap(address, bytes); }

}  // namespace fs
