#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "linux/fs/metadata.h"

// What an object is and carries, to the nanosecond: enough to tell it from a later one under the same name,
// and to make it again. No symbolic link is followed.
namespace fs {

// statx(2) with the time of birth, of the object itself when it is a symbolic link. 0 or -errno.
[[nodiscard]] int look(const Target& target, struct statx& out);
// The same for the entry `name` of an open directory.
[[nodiscard]] int look_in(int directory, const char* name, struct statx& out);

using Attribute = std::pair<std::string, std::string>;  // name and value

// Every extended attribute that the thread may read, ACLs (system.posix_acl_*) included. An object or file
// system without any gives none. 0 or -errno; -E2BIG above 64 KiB of names.
[[nodiscard]] int attributes_of(const Target& target, std::vector<Attribute>& out);

}  // namespace fs
