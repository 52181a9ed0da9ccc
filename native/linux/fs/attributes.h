#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Reading the extended attributes of an object that the caller holds, O_PATH descriptors and symbolic links
// included. 0 or -errno.
namespace fs {

[[nodiscard]] int list_attributes(int fd, std::vector<std::string>& names);
[[nodiscard]] int get_attribute(int fd, const char* name, std::vector<uint8_t>& value);

}  // namespace fs
