#include "linux/notify/arguments.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <utime.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "linux/fs/normalize.h"
#include "linux/process/info.h"
#include "linux/process/memory.h"
#include "linux/uapi.h"

namespace notify {

namespace {

constexpr size_t kNameBytes = 256;     // XATTR_NAME_MAX and the NUL, xattr(7)
constexpr size_t kValueBytes = 65536;  // XATTR_SIZE_MAX
constexpr std::string_view kDeleted = " (deleted)";

// An int argument: the kernel looks at the low half of the register only.
int int_argument(const seccomp_data& call, int8_t position) { return static_cast<int>(call.args[position]); }

// Reads a string into `scratch`. 0 or errno.
int read_text(int tid, uint64_t address, size_t size, int too_long, std::string& text) {
  text.resize(size);
  const ssize_t length = process::read_string(tid, address, text.data(), size);
  if (length < 0) {
    text.clear();
    return length == -ENAMETOOLONG ? too_long : static_cast<int>(-length);
  }
  text.resize(static_cast<size_t>(length));
  return fs::is_ascii(text) || fs::is_utf8(text) ? 0 : EILSEQ;
}

// Reads a symbolic link of /proc. 0 or errno.
int read_link(const char* link, std::string& target) {
  target.resize(fs::kPathBytes);
  const ssize_t length = readlink(link, target.data(), target.size());
  if (length < 0) return errno;
  if (static_cast<size_t>(length) == target.size()) return ENAMETOOLONG;
  target.resize(static_cast<size_t>(length));
  return fs::is_ascii(target) || fs::is_utf8(target) ? 0 : EILSEQ;
}

using ProcPath = std::array<char, 64>;

ProcPath link_of(int tid, int dirfd) {
  ProcPath link;
  if (dirfd == AT_FDCWD) {
    std::snprintf(link.data(), link.size(), "/proc/%d/cwd", tid);
  } else {
    std::snprintf(link.data(), link.size(), "/proc/%d/fd/%d", tid, dirfd);
  }
  return link;
}

// The directory that a relative path starts from. 0 or errno.
int read_base(int tid, int dirfd, std::string& base) {
  if (dirfd < 0 && dirfd != AT_FDCWD) return EBADF;
  const ProcPath link = link_of(tid, dirfd);
  if (const int failed = read_link(link.data(), base); failed != 0) {
    return failed == ENOENT && dirfd != AT_FDCWD ? EBADF : failed;
  }
  if (base.empty() || base.front() != '/') return dirfd == AT_FDCWD ? ENOENT : ENOTDIR;
  struct stat status;
  // A directory may really be named so: only the link count tells.
  if (base.ends_with(kDeleted) && (stat(link.data(), &status) != 0 || status.st_nlink == 0)) return ENOENT;
  return 0;
}

// Holds the object of a descriptor open, so that the effect and the decision meet the same one whatever the
// caller does to its table meanwhile. 0 or errno.
int hold(int tid, int fd, Arguments& out) {
  if (fd < 0 && fd != AT_FDCWD) return EBADF;
  out.held.reset(open(link_of(tid, fd).data(), O_PATH | O_CLOEXEC));
  if (!out.held.valid()) return errno == ENOENT ? EBADF : errno;
  char own[32];
  std::snprintf(own, sizeof own, "/proc/self/fd/%d", out.held.get());
  if (const int failed = read_link(own, out.path_one); failed != 0) return failed;
  if (out.path_one.empty() || out.path_one.front() != '/') out.path_one.clear();
  return 0;
}

// Makes the path in `out.scratch` absolute. 0 or errno.
int make_absolute(int tid, int dirfd, std::string& path, unsigned& flags, Arguments& out) {
  out.base.clear();
  if (!out.scratch.empty() && out.scratch.front() != '/') {
    if (const int failed = read_base(tid, dirfd, out.base); failed != 0) return failed;
  }
  if (const int failed = fs::normalize(out.base, out.scratch, path, flags); failed != 0) return failed;
  if (fs::names_own_process(path)) {
    if (out.fresh_tgid < 0) out.fresh_tgid = process::thread_group(tid);
    if (out.fresh_tgid < 0) return ESRCH;
    fs::rewrite_own_process(path, out.fresh_tgid, tid);
  }
  return 0;
}

// Reads one path, absolute afterwards. 0 or errno.
int read_path(int tid, uint64_t address, int dirfd, std::string& path, unsigned& flags, Arguments& out) {
  if (const int failed = read_text(tid, address, fs::kPathBytes, ENAMETOOLONG, out.scratch); failed != 0)
    return failed;
  return make_absolute(tid, dirfd, path, flags, out);
}

// Copies a sockaddr as it is into `out.data`; one that names a file gives its path too. 0 or errno.
int read_address(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  const int size = int_argument(call, static_cast<int8_t>(shape.address + 1));
  if (size < 0 || static_cast<size_t>(size) > sizeof(sockaddr_storage)) return EINVAL;
  out.data = std::make_unique<std::vector<uint8_t>>(static_cast<size_t>(size));
  const std::vector<uint8_t>& bytes = *out.data;
  if (const int failed = process::read_bytes(tid, call.args[shape.address], out.data->data(), bytes.size());
      failed != 0)
    return -failed;
  constexpr size_t kHead = offsetof(sockaddr_un, sun_path);
  sa_family_t family = AF_UNSPEC;
  if (bytes.size() >= sizeof family) std::memcpy(&family, bytes.data(), sizeof family);
  if (family != AF_UNIX || bytes.size() <= kHead || bytes.size() > sizeof(sockaddr_un) || bytes[kHead] == 0)
    return 0;
  // The kernel ends the path at the first NUL or at the size, unix(7).
  out.scratch.assign(reinterpret_cast<const char*>(bytes.data()) + kHead, bytes.size() - kHead);
  out.scratch.resize(strnlen(out.scratch.data(), out.scratch.size()));
  if (!fs::is_ascii(out.scratch) && !fs::is_utf8(out.scratch)) return EILSEQ;
  return make_absolute(tid, AT_FDCWD, out.path_one, out.path_flags, out);
}

// The socket itself, and not its number, is what the address is for: the caller may put another in its place.
int read_socket(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  if (shape.socket == kAbsent) return 0;
  const int fd = out.descriptors.take(tid, int_argument(call, shape.socket));
  if (fd < 0) return -fd;
  out.held.reset(fd);
  return shape.address == kAbsent ? 0 : read_address(tid, call, shape, out);
}

int read_first(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  if (shape.object != kAbsent) {
    const int fd = int_argument(call, shape.object);
    return fd < 0 ? EBADF : hold(tid, fd, out);
  }
  if (shape.path_one == kAbsent) return 0;
  const uint64_t address = call.args[shape.path_one];
  const int dirfd = shape.dirfd_one == kAbsent ? AT_FDCWD : int_argument(call, shape.dirfd_one);
  if (address == 0 && shape.null_is_dirfd) return dirfd == AT_FDCWD ? EFAULT : hold(tid, dirfd, out);
  unsigned flags = 0;
  const int failed = read_path(tid, address, dirfd, out.path_one, flags, out);
  out.path_flags |= flags;
  if (failed == ENOENT && out.scratch.empty() && shape.at_flags != kAbsent &&
      (int_argument(call, shape.at_flags) & AT_EMPTY_PATH) != 0) {
    return hold(tid, dirfd, out);
  }
  return failed;
}

int read_second(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  if (shape.path_two == kAbsent) return 0;
  const uint64_t address = call.args[shape.path_two];
  switch (shape.second) {
    case Second::kPath: {
      unsigned flags = 0;
      const int dirfd = shape.dirfd_two == kAbsent ? AT_FDCWD : int_argument(call, shape.dirfd_two);
      const int failed = read_path(tid, address, dirfd, out.path_two, flags, out);
      out.path_flags |= flags << fs::kPathFlagBits;
      return failed;
    }
    case Second::kRaw: {
      const int failed = read_text(tid, address, fs::kPathBytes, ENAMETOOLONG, out.path_two);
      return failed == 0 && out.path_two.empty() ? ENOENT : failed;
    }
    case Second::kName: {
      const int failed = read_text(tid, address, kNameBytes, ERANGE, out.path_two);
      return failed == 0 && out.path_two.empty() ? ERANGE : failed;
    }
  }
  return ENOSYS;
}

int read_value(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  if (shape.value == kAbsent) return 0;
  const uint64_t size = call.args[shape.value + 1];
  if (size > kValueBytes) return E2BIG;
  out.data = std::make_unique<std::vector<uint8_t>>(size);
  return -process::read_bytes(tid, call.args[shape.value], out.data->data(), size);
}

bool is_nanoseconds(long value) {
  return (value >= 0 && value < 1'000'000'000) || value == UTIME_NOW || value == UTIME_OMIT;
}

int read_times(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  if (shape.times_form == Times::kNone) return 0;
  out.has_times = true;
  const uint64_t address = call.args[shape.times];
  if (address == 0) {
    out.times = {0, UTIME_NOW, 0, UTIME_NOW};
    return 0;
  }
  if (shape.times_form == Times::kUtimbuf) {
    utimbuf times{};
    const int failed = process::read_bytes(tid, address, &times, sizeof times);
    out.times = {static_cast<double>(times.actime), 0, static_cast<double>(times.modtime), 0};
    return -failed;
  }
  timespec times[2] = {};
  static_assert(sizeof(timespec) == sizeof(timeval));
  if (const int failed = process::read_bytes(tid, address, times, sizeof times); failed != 0) return -failed;
  for (timespec& time : times) {
    if (shape.times_form == Times::kTimeval) {
      if (time.tv_nsec < 0 || time.tv_nsec >= 1'000'000) return EINVAL;
      time.tv_nsec *= 1000;
    } else if (!is_nanoseconds(time.tv_nsec)) {
      return EINVAL;
    }
  }
  out.times = {static_cast<double>(times[0].tv_sec), static_cast<double>(times[0].tv_nsec),
               static_cast<double>(times[1].tv_sec), static_cast<double>(times[1].tv_nsec)};
  return 0;
}

}  // namespace

int read_arguments(int tid, const seccomp_data& call, const CallShape& shape, Arguments& out) {
  out.path_one.clear();
  out.path_two.clear();
  out.path_flags = 0;
  out.held.reset();
  out.has_times = false;
  out.data.reset();
  out.fresh_tgid = -1;
  // utimensat(2) that is to leave both times does not even look at the path.
  const bool has_read_times = shape.times_form == Times::kTimespec && read_times(tid, call, shape, out) == 0;
  if (has_read_times && out.times[1] == UTIME_OMIT && out.times[3] == UTIME_OMIT) return 0;
  int failed = read_first(tid, call, shape, out);
  if (failed == 0) failed = read_second(tid, call, shape, out);
  if (failed == 0) failed = read_value(tid, call, shape, out);
  if (failed == 0 && !has_read_times) failed = read_times(tid, call, shape, out);
  if (failed == 0) failed = read_socket(tid, call, shape, out);
  if (failed != 0) {
    out.path_one.clear();
    out.path_two.clear();
    out.path_flags = 0;
    out.held.reset();
    out.data.reset();
  }
  return failed;
}

}  // namespace notify
