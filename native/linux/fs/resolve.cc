#include "linux/fs/resolve.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "linux/fs/normalize.h"
#include "linux/fs/open.h"
#include "linux/fs/path_ops.h"

namespace fs {

namespace {

constexpr int kMaxLinks = 40;                // MAXSYMLINKS, linux/namei.h
constexpr size_t kMaxRest = 2 * kPathBytes;  // of a path with link targets put in
constexpr ino_t kProcRootInode = 1;          // PROC_ROOT_INO, linux/proc_ns.h

// One walk. `where_` is the name of the directory `here_`, without links and without a final "/"; empty for
// the root.
class Walk {
 public:
  Walk(const char* path, const Viewer& viewer, bool follow) : viewer_(viewer), follow_(follow), rest_(path) {}

  int run(std::string& out) {
    if (const int failed = go_to_root(); failed < 0) return failed;
    for (;;) {
      const size_t start = rest_.find_first_not_of('/', at_);
      if (start == std::string::npos) return finish({}, out);
      const size_t end = std::min(rest_.find('/', start), rest_.size());
      const std::string name = rest_.substr(start, end - start);
      at_ = end;
      const bool last = rest_.find_first_not_of('/', end) == std::string::npos;
      const bool directory_wanted = end < rest_.size();
      bool finished = false;
      const int failed = step(name, last, directory_wanted, finished);
      if (failed < 0) return failed;
      if (finished) return finish(name, out);
    }
  }

 private:
  int go_to_root() {
    where_.clear();
    const int fd = open_no_symlinks("/", O_PATH | O_DIRECTORY);
    if (fd < 0) return fd;
    here_.reset(fd);
    return 0;
  }

  // Like the kernel, which wants search permission where it meets "." and "..".
  [[nodiscard]] int search() const {
    const base::UniqueFd searched(openat(here_.get(), ".", O_PATH | O_CLOEXEC));
    return searched.valid() ? 0 : -errno;
  }

  int go_up() {
    if (const int failed = search(); failed < 0) return failed;
    const size_t slash = where_.rfind('/');
    if (slash == std::string::npos) return 0;
    where_.resize(slash);
    const int fd = open_no_symlinks(where_.empty() ? "/" : where_.c_str(), O_PATH | O_DIRECTORY);
    // A link where a directory was a moment ago: somebody moves things under us.
    if (fd < 0) return fd == -ELOOP ? -EAGAIN : fd;
    here_.reset(fd);
    return 0;
  }

  int step(const std::string& name, bool last, bool directory_wanted, bool& finished) {
    if (name == ".") return search();
    if (name == "..") return go_up();
    base::UniqueFd fd(openat(here_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) {
      finished = last && errno == ENOENT;
      return finished ? 0 : -errno;
    }
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return -errno;
    if (S_ISLNK(status.st_mode)) {
      if (last && !follow_ && !directory_wanted) {
        finished = true;
        return 0;
      }
      return follow_link(fd.get(), name, last, status, finished);
    }
    if (last) {
      finished = true;
      return directory_wanted && !S_ISDIR(status.st_mode) ? -ENOTDIR : 0;
    }
    if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
    where_ += '/';
    where_ += name;
    if (where_.size() >= kPathBytes) return -ENAMETOOLONG;
    here_ = std::move(fd);
    return 0;
  }

  int follow_link(int link, const std::string& name, bool last, const struct stat& status, bool& finished) {
    if (++links_ > kMaxLinks) return -ELOOP;
    std::string target;
    struct statfs system;
    if (fstatfs(here_.get(), &system) != 0) return -errno;
    if (system.f_type == PROC_SUPER_MAGIC) {
      struct stat directory;
      if (fstat(here_.get(), &directory) != 0) return -errno;
      if (directory.st_ino != kProcRootInode) {
        finished = last && where_ == "/proc/" + std::to_string(viewer_.tgid) + "/fd";
        return finished ? 0 : -EXDEV;
      }
      // These two show the reader: they would name the broker.
      if (name == "self") target = std::to_string(viewer_.tgid);
      if (name == "thread-self")
        target = std::to_string(viewer_.tgid) + "/task/" + std::to_string(viewer_.tid);
    }
    if (target.empty()) {
      if (last && !may_follow(status)) return -EACCES;
      target.resize(kPathBytes);
      const ssize_t length = readlinkat(link, "", target.data(), target.size());
      if (length < 0) return -errno;
      if (length == 0) return -ENOENT;
      target.resize(static_cast<size_t>(length));
    }
    rest_ = target + rest_.substr(at_);
    at_ = 0;
    if (rest_.size() > kMaxRest) return -ENAMETOOLONG;
    return target.front() == '/' ? go_to_root() : 0;
  }

  // fs.protected_symlinks, proc_sys_fs(5): the kernel applies it when it follows a final link itself; here we
  // do that for it.
  [[nodiscard]] bool may_follow(const struct stat& link) const {
    struct stat directory;
    if (fstat(here_.get(), &directory) != 0) return false;
    const mode_t shared = S_ISVTX | S_IWOTH;
    if ((directory.st_mode & shared) != shared) return true;
    const auto own = static_cast<uid_t>(setfsuid(static_cast<uid_t>(-1)));
    return link.st_uid == own || link.st_uid == directory.st_uid;
  }

  // `name` is in `here_`; empty: the path is `here_` itself.
  int finish(std::string_view name, std::string& out) const {
    std::string now;
    if (const int failed = path_of_descriptor(here_.get(), now); failed < 0) return failed;
    if (now != (where_.empty() ? "/" : where_)) return -EAGAIN;
    out = where_;
    if (!name.empty() || out.empty()) out += '/';
    out += name;
    return out.size() < kPathBytes ? 0 : -ENAMETOOLONG;
  }

  const Viewer& viewer_;
  const bool follow_;
  std::string rest_;
  size_t at_ = 0;
  base::UniqueFd here_;
  std::string where_;
  int links_ = 0;
};

// True when the kernel itself finds no link in `path`, which is then its own answer.
bool is_plain(std::string_view path) {
  if (path.size() > 1 && (path.ends_with('/') || path.ends_with("/."))) return false;
  if (path.find("//") != path.npos || path.find("/./") != path.npos || path.find("/..") != path.npos)
    return false;
  const base::UniqueFd fd(open_no_symlinks(path.data(), O_PATH | O_NOFOLLOW));
  if (!fd.valid()) return false;
  struct stat status;
  return fstat(fd.get(), &status) == 0 && !S_ISLNK(status.st_mode);
}

}  // namespace

int resolve(const char* path, const Viewer& viewer, bool follow, std::string& out) {
  if (path[0] != '/') return -EINVAL;
  if (is_plain(path)) {
    out = path;
    return 0;
  }
  const int first = Walk(path, viewer, follow).run(out);
  return first == -EAGAIN ? Walk(path, viewer, follow).run(out) : first;
}

}  // namespace fs
