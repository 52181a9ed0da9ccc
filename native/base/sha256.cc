#include "base/sha256.h"

#include <cpuid.h>
#include <immintrin.h>

#include <bit>
#include <cstring>

namespace base {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr size_t kLengthBytes = 8;

using State = std::array<uint32_t, 8>;

// FIPS 180-4, 5.3.3 and 4.2.2.
constexpr State kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
alignas(16) constexpr uint32_t kRounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using Compress = void (*)(State& state, const uint8_t* blocks, size_t count);

uint32_t big_endian(const uint8_t* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap32(word);
}

void compress_portable(State& state, const uint8_t* blocks, size_t count) {
  for (; count > 0; count--, blocks += kBlockBytes) {
    uint32_t schedule[64];
    for (size_t at = 0; at < 16; at++) schedule[at] = big_endian(blocks + 4 * at);
    for (size_t at = 16; at < 64; at++) {
      const uint32_t early = schedule[at - 15];
      const uint32_t late = schedule[at - 2];
      schedule[at] = (std::rotr(late, 17) ^ std::rotr(late, 19) ^ (late >> 10U)) + schedule[at - 7] +
                     (std::rotr(early, 7) ^ std::rotr(early, 18) ^ (early >> 3U)) + schedule[at - 16];
    }
    State v = state;
    for (size_t at = 0; at < 64; at++) {
      const uint32_t sum1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
      const uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
      const uint32_t one = v[7] + sum1 + choice + kRounds[at] + schedule[at];
      const uint32_t sum0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
      const uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
      v = {one + sum0 + majority, v[0], v[1], v[2], v[3] + one, v[4], v[5], v[6]};
    }
    for (size_t at = 0; at < v.size(); at++) state[at] += v[at];
  }
}

// Intel SHA Extensions: the state lives in two registers as ABEF and CDGH, four rounds take two instructions.
__attribute__((target("sha,sse4.1,ssse3"))) void compress_extended(State& state, const uint8_t* blocks,
                                                                   size_t count) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const __m128i badc = _mm_shuffle_epi32(load(state.data()), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(load(state.data() + 4), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; count > 0; count--, blocks += kBlockBytes) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i words[4];
    for (size_t at = 0; at < 4; at++) words[at] = _mm_shuffle_epi8(load(blocks + 16 * at), swap);
    for (size_t group = 0; group < 16; group++) {
      const __m128i current = words[group % 4];
      const __m128i added = _mm_add_epi32(current, load(kRounds + 4 * group));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
      const __m128i last = words[(group + 3) % 4];
      const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(current, words[(group + 1) % 4]),
                                        _mm_alignr_epi8(last, words[(group + 2) % 4], 4));
      words[group % 4] = _mm_sha256msg2_epu32(sum, last);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}

bool has_extensions() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_SSE4_1) == 0 || (c & bit_SSSE3) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
}

Digest digest(Compress compress, std::span<const uint8_t> bytes) {
  State state = kInitial;
  const size_t whole = bytes.size() / kBlockBytes;
  compress(state, bytes.data(), whole);
  // The rest, a bit, zeros, and the length in bits: one block, or two.
  uint8_t tail[2 * kBlockBytes] = {};
  const size_t rest = bytes.size() - whole * kBlockBytes;
  if (rest > 0) std::memcpy(tail, bytes.data() + whole * kBlockBytes, rest);
  tail[rest] = 0x80;
  const size_t tail_blocks = rest + 1 + kLengthBytes <= kBlockBytes ? 1 : 2;
  const uint64_t bits = __builtin_bswap64(uint64_t{bytes.size()} * 8);
  std::memcpy(tail + tail_blocks * kBlockBytes - kLengthBytes, &bits, sizeof bits);
  compress(state, tail, tail_blocks);
  Digest out;
  for (size_t at = 0; at < state.size(); at++) {
    const uint32_t word = __builtin_bswap32(state[at]);
    std::memcpy(out.data() + 4 * at, &word, sizeof word);
  }
  return out;
}

}  // namespace

Digest sha256(std::span<const uint8_t> bytes) {
  static const Compress kBest = has_extensions() ? compress_extended : compress_portable;
  return digest(kBest, bytes);
}

Digest sha256_portable(std::span<const uint8_t> bytes) { return digest(compress_portable, bytes); }

}  // namespace base
