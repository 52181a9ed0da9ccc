#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace base {

// The edge of a growing Merkle tree (RFC 6962, 2.1): the roots of its full subtrees, largest first, 32 bytes
// each.
constexpr size_t kEdgeBytes = 64 * 32;

// Appends the records of a journal segment that lie in [start, end) of `image` as leaves: [u32 little-endian
// length][bytes][zeros to a multiple of 4]. The top byte of a length is 0, which is the prefix of a leaf.
// Gives the new size of the tree; -1, with nothing appended, when these are not records.
[[nodiscard]] int64_t append_records(std::span<const uint8_t> image, size_t start, size_t end,
                                     std::span<uint8_t, kEdgeBytes> edge, int64_t size);

}  // namespace base
