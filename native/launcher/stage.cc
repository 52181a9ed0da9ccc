#include "launcher/stage.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace launcher {
namespace {

using base::Done;
using base::last_failure;
using base::Result;

constexpr int setup_failed = 125;
constexpr int fixed_arguments = 6;

base::UniqueFd open_directory(int at, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  return base::UniqueFd(static_cast<int>(::syscall(__NR_openat2, at, path, &how, sizeof(how))));
}

bool write_text(const char* file, const char* text) {
  const base::UniqueFd fd(::open(file, O_WRONLY | O_CLOEXEC));
  const auto size = static_cast<ssize_t>(std::strlen(text));
  return fd.valid() && ::write(fd.get(), text, static_cast<size_t>(size)) == size;
}

// user_namespaces(7): without privileges one id of each kind can be mapped, and groups can not be set any
// more.
Result<Done> keep_ids(uid_t uid, gid_t gid) {
  char map[64];
  if (!write_text("/proc/self/setgroups", "deny")) return last_failure("setgroups");
  (void)std::snprintf(map, sizeof map, "%u %u 1", uid, uid);
  if (!write_text("/proc/self/uid_map", map)) return last_failure("uid_map");
  (void)std::snprintf(map, sizeof map, "%u %u 1", gid, gid);
  if (!write_text("/proc/self/gid_map", map)) return last_failure("gid_map");
  return Done{};
}

Result<Done> mount_stage(const char* workspace, const char* stage, const char* label) {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  bool in_user_namespace = false;
  if (::unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM) return last_failure("unshare");
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return last_failure("unshare");
    in_user_namespace = true;
    if (Result<Done> kept = keep_ids(uid, gid); !kept.ok()) return kept;
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return last_failure("mount private");
  // Opened in the new namespace: a layer has to be part of it.
  const base::UniqueFd lower = open_directory(AT_FDCWD, workspace);
  if (!lower.valid()) return last_failure("open workspace");
  const base::UniqueFd place = open_directory(AT_FDCWD, stage);
  const base::UniqueFd upper = open_directory(place.get(), "upper");
  const base::UniqueFd work = open_directory(place.get(), "work");
  if (!upper.valid() || !work.valid()) return last_failure("open stage");
  char target[32];
  char options[256];
  (void)std::snprintf(target, sizeof target, "/proc/self/fd/%d", lower.get());
  // By descriptor: a path with a comma or a colon would be taken apart. overlayfs(5) of Documentation: an
  // upper layer that stands alone may have no redirects, no metadata-only copies and no index.
  (void)std::snprintf(options, sizeof options,
                      "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,"
                      "redirect_dir=nofollow,metacopy=off,index=off,xino=off%s",
                      lower.get(), upper.get(), work.get(), in_user_namespace ? ",userxattr" : "");
  if (::mount(label, target, "overlay", MS_NOSUID | MS_NODEV, options) != 0)
    return last_failure("mount overlay");
  if (::chdir(workspace) != 0) return last_failure("chdir");
  struct statfs info{};
  if (::statfs(".", &info) != 0) return last_failure("statfs");
  if (info.f_type != OVERLAYFS_SUPER_MAGIC) return base::Failure{"statfs", EXDEV};
  return Done{};
}

}  // namespace

int enter_stage(int count, char** arguments) {
  if (count < fixed_arguments) return setup_failed;
  char** const argv = arguments + 5;
  const int index = std::atoi(arguments[3]);
  if (index < 0 || index >= count - 5) return setup_failed;
  Result<Done> mounted = mount_stage(arguments[0], arguments[1], arguments[2]);
  std::string outcome = std::string(argv[index]) + "done";
  if (!mounted.ok()) {
    const base::Failure& failure = mounted.failure();
    outcome = std::string(argv[index]) + failure.call + ":" + std::to_string(failure.error);
  }
  argv[index] = outcome.data();
  (void)::execv(arguments[4], argv);
  std::perror("sallyport: Cannot start again in the stage");
  return setup_failed;
}

}  // namespace launcher
