#include "base/merkle.h"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "test.h"

namespace {

std::string hex(const base::Digest& digest) {
  std::string text;
  for (const uint8_t byte : digest) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    text += two;
  }
  return text;
}

std::vector<uint8_t> bytes_of(const char* text) { return {text, text + std::strlen(text)}; }

}  // namespace

// FIPS 180-4 examples (NIST, "SHA256.pdf") and the empty message.
TEST(sha256_gives_the_published_digests) {
  EXPECT(hex(base::sha256(bytes_of(""))) ==
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT(hex(base::sha256(bytes_of("abc"))) ==
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT(hex(base::sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(sha256_is_the_same_with_and_without_extensions) {
  std::vector<uint8_t> bytes;
  for (size_t size = 0; size < 300; size++) {
    EXPECT(base::sha256(bytes) == base::sha256_portable(bytes));
    bytes.push_back(static_cast<uint8_t>(size * 7));
  }
}

TEST(append_records_refuses_what_is_no_record) {
  std::array<uint8_t, base::kEdgeBytes> edge{};
  const auto append = [&](const std::vector<uint8_t>& image, size_t end) {
    return base::append_records(image, 0, end, edge, 0);
  };
  EXPECT(append({1, 0, 0, 0, 'a', 0, 0, 0}, 8) == 1);
  EXPECT(append({1, 0, 0, 0, 'a', 0, 0, 0, 2, 0, 0, 0, 'b', 'c', 0, 0}, 16) == 2);
  EXPECT(append({}, 0) == 0);
  EXPECT(append({0, 0, 0, 0}, 4) == -1);
  EXPECT(append({5, 0, 0, 0, 'a', 0, 0, 0}, 8) == -1);
  EXPECT(append({1, 0, 0, 1, 'a', 0, 0, 0}, 8) == -1);
  EXPECT(append({1, 0, 0, 0, 'a', 0, 0, 0}, 16) == -1);
  EXPECT(append({1, 0, 0}, 3) == -1);
}
