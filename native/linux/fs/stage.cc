#include "linux/fs/stage.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "linux/fs/look.h"
#include "linux/fs/open.h"
#include "linux/uapi.h"

namespace fs {

namespace {

constexpr size_t kMaxPacked = 65536;
constexpr int kStatusFlags = O_APPEND | O_SYNC | O_DIRECT | O_NOATIME | O_NONBLOCK;

int negative_errno(int returned) { return returned < 0 ? -errno : 0; }

bool has_same(int fd, const Attribute& wanted) {
  std::string value(wanted.second.size() + 1, '\0');
  const ssize_t size = fgetxattr(fd, wanted.first.c_str(), value.data(), value.size());
  return size == static_cast<ssize_t>(wanted.second.size()) &&
         value.compare(0, static_cast<size_t>(size), wanted.second) == 0;
}

int clone_metadata(int old, const struct stat& status, int fresh) {
  struct stat made;
  if (fstat(fresh, &made) != 0) return -errno;
  if ((made.st_uid != status.st_uid || made.st_gid != status.st_gid) &&
      fchown(fresh, status.st_uid, status.st_gid) != 0)
    return -errno;
  std::vector<Attribute> attributes;
  if (const int failed = attributes_of({nullptr, old}, attributes); failed < 0) return failed;
  for (const Attribute& attribute : attributes) {
    if (has_same(fresh, attribute)) continue;
    if (fsetxattr(fresh, attribute.first.c_str(), attribute.second.data(), attribute.second.size(), 0) != 0)
      return -errno;
  }
  // Last: an ACL says what the bits of the group mean.
  return negative_errno(fchmod(fresh, status.st_mode & 01777));
}

int inode_in(int store, const char* name, ino_t& inode) {
  struct stat status;
  if (fstatat(store, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  inode = status.st_ino;
  return 0;
}

}  // namespace

// A write lease (fcntl(2)) is granted only while nobody else has the file open, and is given back at once.
int held_by_us_alone(int fd) {
  // Whoever opens it meanwhile breaks the lease: by default that is SIGIO, which ends a process.
  if (fcntl(fd, F_SETSIG, SIGURG) != 0 || fcntl(fd, F_SETLEASE, F_WRLCK) != 0) return -EAGAIN;
  return negative_errno(fcntl(fd, F_SETLEASE, F_UNLCK));
}

int stage_replacement(int old, int flags, int store, const char* name) {
  struct stat status;
  if (fstat(old, &status) != 0) return -errno;
  if (!S_ISREG(status.st_mode)) return -EINVAL;
  if (status.st_nlink != 1) return -EXDEV;
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return -EPERM;
  if (const int failed = held_by_us_alone(old); failed < 0) return failed;
  const int access = flags & (O_ACCMODE | O_NOFOLLOW | kStatusFlags);
  base::UniqueFd fresh(openat(store, name, access | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, 0600));
  if (!fresh.valid()) return -errno;
  if (const int failed = clone_metadata(old, status, fresh.get()); failed < 0) {
    (void)unlinkat(store, name, 0);
    return failed;
  }
  return fresh.release();
}

int exchange_with_store(const char* path, int store, const char* name, ino_t inode) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  const auto exchange = [&] {
    return negative_errno(renameat2(parent.directory.get(), parent.name, store, name, RENAME_EXCHANGE));
  };
  if (const int failed = exchange(); failed < 0) return failed;
  ino_t found = 0;
  if (inode_in(store, name, found) == 0 && found == inode) return 0;
  const int failed = exchange();
  return failed < 0 ? failed : -ESTALE;
}

int move_to_store(const char* path, int store, const char* name, ino_t inode) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  if (renameat2(parent.directory.get(), parent.name, store, name, RENAME_NOREPLACE) != 0) return -errno;
  ino_t found = 0;
  if (inode_in(store, name, found) == 0 && found == inode) return 0;
  const int back = renameat2(store, name, parent.directory.get(), parent.name, RENAME_NOREPLACE);
  return back != 0 ? -errno : -ESTALE;
}

int link_to_store(const char* path, int store, const char* name) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  return negative_errno(linkat(parent.directory.get(), parent.name, store, name, 0));
}

int move_from_store(int store, const char* name, const char* path) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  return negative_errno(renameat2(store, name, parent.directory.get(), parent.name, RENAME_NOREPLACE));
}

int link_from_store(int store, const char* name, const char* path) {
  Parent parent;
  if (const int failed = open_parent(path, parent); failed < 0) return failed;
  return negative_errno(linkat(store, name, parent.directory.get(), parent.name, 0));
}

int open_in_store(int store, const char* name, int flags, mode_t mode) {
  const int fd = openat(store, name, flags | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, mode);
  return fd < 0 ? -errno : fd;
}

int remove_from_store(int store, const char* name) { return negative_errno(unlinkat(store, name, 0)); }

int share_content(int target, int source) { return negative_errno(ioctl(target, FICLONE, source)); }

int64_t copy_content(int target, int source, int64_t offset, int64_t length) {
  off64_t from = offset;
  off64_t to = offset;
  const ssize_t copied = copy_file_range(source, &from, target, &to, static_cast<size_t>(length), 0);
  if (copied >= 0) return copied;
  // Between file systems of two kinds, and on those that do not know the call.
  if (errno != EXDEV && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS) return -errno;
  std::vector<char> buffer(static_cast<size_t>(length < 1 << 20 ? length : 1 << 20));
  const ssize_t got = pread(source, buffer.data(), buffer.size(), offset);
  if (got <= 0) return got < 0 ? -errno : 0;
  ssize_t done = 0;
  while (done < got) {
    const ssize_t put = pwrite(target, buffer.data() + done, static_cast<size_t>(got - done), offset + done);
    if (put < 0) return -errno;
    done += put;
  }
  return got;
}

int64_t pack_content(int target, int64_t offset, int source, size_t expected, size_t max) {
  char buffer[kMaxPacked + 1];
  if (max > kMaxPacked) return -EINVAL;
  // One byte more shows that there is more.
  size_t bytes = 0;
  for (bool is_more = true; is_more && bytes <= max;) {
    const ssize_t got = pread(source, buffer + bytes, max + 1 - bytes, static_cast<off_t>(bytes));
    if (got < 0 && errno != EINTR) return -errno;
    if (got > 0) bytes += static_cast<size_t>(got);
    // What ends where it is expected to needs no further look.
    is_more = got != 0 && bytes != expected;
  }
  if (bytes > max) return -EFBIG;
  for (size_t done = 0; done < bytes;) {
    const ssize_t put = pwrite(target, buffer + done, bytes - done, offset + static_cast<off_t>(done));
    if (put < 0 && errno != EINTR) return -errno;
    if (put > 0) done += static_cast<size_t>(put);
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace fs
