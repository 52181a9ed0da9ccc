#include "linux/process/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "test.h"

TEST(read_string_stops_at_the_page) {
  auto* pages =
      static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT(munmap(pages + 4096, 4096) == 0);
  char out[4096];
  std::strcpy(pages + 4096 - 4, "abc");
  const auto at = [&](size_t offset) { return reinterpret_cast<uint64_t>(pages) + offset; };
  EXPECT(process::read_string(getpid(), at(4092), out, sizeof out) == 3 && std::strcmp(out, "abc") == 0);
  std::memset(pages, 'x', 4096);
  EXPECT(process::read_string(getpid(), at(4000), out, sizeof out) == -EFAULT);
  EXPECT(process::read_string(getpid(), at(0), out, 100) == -ENAMETOOLONG);
  EXPECT(process::read_string(getpid(), 0, out, sizeof out) == -EFAULT);
  EXPECT(process::read_string(getpid(), ~uint64_t{0}, out, sizeof out) == -EFAULT);
  EXPECT(process::read_bytes(getpid(), at(4090), out, 10) == -EFAULT);
  EXPECT(process::read_bytes(getpid(), at(4090), out, 6) == 0);
  EXPECT(munmap(pages, 4096) == 0);
}
