#pragma once

#include <cstdint>

// Which arguments of a system call are pointers or descriptors that name an object. Numbers and positions of
// x86-64, arch/x86/entry/syscalls/syscall_64.tbl.
namespace notify {

inline constexpr int8_t kAbsent = -1;

enum class Times : uint8_t {
  kNone,
  kTimespec,  // struct timespec[2], utimensat(2)
  kTimeval,   // struct timeval[2], utimes(2), futimesat(2)
  kUtimbuf,   // struct utimbuf, utime(2)
};

enum class Second : uint8_t {
  kPath,  // a path like the first
  kRaw,   // text that is no path of the caller yet: the target of a symbolic link
  kName,  // the name of an extended attribute
};

// Positions of arguments, kAbsent where there is none.
struct CallShape {
  int8_t path_one = kAbsent;
  int8_t dirfd_one = kAbsent;  // kAbsent beside a path: the working directory
  int8_t path_two = kAbsent;
  int8_t dirfd_two = kAbsent;
  int8_t object = kAbsent;    // a descriptor that is the object
  int8_t at_flags = kAbsent;  // may hold AT_EMPTY_PATH
  int8_t times = kAbsent;
  int8_t value = kAbsent;    // an attribute's value; its size is the next argument
  int8_t socket = kAbsent;   // a socket, of which the broker takes a copy
  int8_t address = kAbsent;  // a sockaddr; its size is the next argument
  Times times_form = Times::kNone;
  Second second = Second::kPath;
  bool null_is_dirfd = false;  // a null path means the descriptor itself, utimensat(2)
};

// The shape of system call `nr`; one without pointers when it is not in the table.
[[nodiscard]] const CallShape& shape_of(int nr);

}  // namespace notify
