#include "base/merkle.h"

#include <bit>
#include <cstring>

#include "base/sha256.h"

namespace base {
namespace {

constexpr size_t kHeadBytes = 4;
constexpr size_t kHashBytes = sizeof(Digest);

// The bytes of the record at `at`, or -1 when it does not end before `end`.
int64_t record_bytes(std::span<const uint8_t> image, size_t at, size_t end) {
  if (end - at < kHeadBytes || image[at + kHeadBytes - 1] != 0) return -1;
  uint32_t length;
  std::memcpy(&length, image.data() + at, sizeof length);
  return length == 0 || length > end - at - kHeadBytes ? -1 : int64_t{length};
}

size_t next_record(size_t at, size_t length) { return (at + kHeadBytes + length + 3) & ~size_t{3}; }

void append_leaf(Digest hash, std::span<uint8_t, kEdgeBytes> edge, uint64_t size) {
  auto full = static_cast<size_t>(std::popcount(size));
  uint8_t node[1 + 2 * kHashBytes] = {1};
  for (uint64_t rest = size; (rest & 1U) != 0; rest >>= 1U) {
    full--;
    std::memcpy(node + 1, edge.data() + full * kHashBytes, kHashBytes);
    std::memcpy(node + 1 + kHashBytes, hash.data(), kHashBytes);
    hash = sha256(node);
  }
  std::memcpy(edge.data() + full * kHashBytes, hash.data(), kHashBytes);
}

}  // namespace

int64_t append_records(std::span<const uint8_t> image, size_t start, size_t end,
                       std::span<uint8_t, kEdgeBytes> edge, int64_t size) {
  if (end > image.size() || start > end || size < 0) return -1;
  for (size_t at = start; at < end;) {
    const int64_t length = record_bytes(image, at, end);
    if (length < 0) return -1;
    at = next_record(at, static_cast<size_t>(length));
  }
  for (size_t at = start; at < end; size++) {
    const auto length = static_cast<size_t>(record_bytes(image, at, end));
    append_leaf(sha256(image.subspan(at + kHeadBytes - 1, 1 + length)), edge, static_cast<uint64_t>(size));
    at = next_record(at, length);
  }
  return size;
}

}  // namespace base
