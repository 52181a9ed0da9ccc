#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace base {

using Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) of `bytes`. Uses the SHA extensions of the processor where it has them.
[[nodiscard]] Digest sha256(std::span<const uint8_t> bytes);

// The same without them, for tests and older processors.
[[nodiscard]] Digest sha256_portable(std::span<const uint8_t> bytes);

}  // namespace base
