#include "linux/fs/metadata.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "linux/fs/open.h"
#include "linux/uapi.h"

namespace fs {

namespace {

// The object of a target, opened once for the length of the call.
class Object {
 public:
  explicit Object(const Target& target) {
    fd_ = target.fd;
    if (target.path != nullptr) {
      opened_.reset(open_no_symlinks(target.path, O_PATH | O_NOFOLLOW));
      fd_ = opened_.get();
    }
    if (fd_ < 0 && target.path == nullptr) fd_ = -EBADF;
    // The magic link of an O_PATH descriptor leads to the object itself, a symbolic link included.
    std::snprintf(link_, sizeof link_, "/proc/self/fd/%d", fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }  // or -errno
  [[nodiscard]] const char* link() const { return link_; }

 private:
  base::UniqueFd opened_;
  int fd_;
  char link_[32];
};

int negative_errno(int returned) { return returned < 0 ? -errno : 0; }

}  // namespace

int change_mode(const Target& target, mode_t mode) {
  if ((mode & (S_ISUID | S_ISGID)) != 0) return -EPERM;
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  if (syscall(__NR_fchmodat2, object.fd(), "", mode & 07777, AT_EMPTY_PATH) == 0) return 0;
  if (errno != ENOSYS) return -errno;
  // Until Linux 6.6: there is no fchmodat2(2).
  struct stat status;
  if (fstat(object.fd(), &status) != 0) return -errno;
  if (S_ISLNK(status.st_mode)) return -EOPNOTSUPP;
  return negative_errno(chmod(object.link(), mode & 07777));
}

int change_owner(const Target& target, uid_t uid, gid_t gid) {
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  return negative_errno(fchownat(object.fd(), "", uid, gid, AT_EMPTY_PATH));
}

int change_times(const Target& target, const struct timespec times[2]) {
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  return negative_errno(utimensat(object.fd(), "", times, AT_EMPTY_PATH));
}

int change_size(const Target& target, int64_t size) {
  // Of what is open for writing it is a matter of that; EBADF (O_PATH) and EINVAL say that it is not.
  if (target.path == nullptr && ftruncate(target.fd, size) == 0) return 0;
  if (target.path == nullptr && errno != EBADF && errno != EINVAL) return -errno;
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  // Looked at before it is opened: opening a device has effects of its own.
  struct stat status;
  if (fstat(object.fd(), &status) != 0) return -errno;
  if (!S_ISREG(status.st_mode))
    return S_ISDIR(status.st_mode) ? -EISDIR : S_ISLNK(status.st_mode) ? -ELOOP : -EINVAL;
  const base::UniqueFd writable(open(object.link(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!writable.valid()) return -errno;
  return negative_errno(ftruncate(writable.get(), size));
}

int set_attribute(const Target& target, const char* name, const void* value, size_t size, int flags) {
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  return negative_errno(setxattr(object.link(), name, value, size, flags));
}

int remove_attribute(const Target& target, const char* name) {
  const Object object(target);
  if (object.fd() < 0) return object.fd();
  return negative_errno(removexattr(object.link(), name));
}

}  // namespace fs
