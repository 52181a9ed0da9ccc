#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "linux/probe/attempts.h"

namespace probe {
namespace {

Outcome failed(const char* call) { return {call, errno, -1}; }

bool write_text(const char* file, const char* text) {
  const base::UniqueFd fd(::open(file, O_WRONLY | O_CLOEXEC));
  const auto size = static_cast<ssize_t>(std::strlen(text));
  return fd.valid() && ::write(fd.get(), text, static_cast<size_t>(size)) == size;
}

}  // namespace

// As launcher/stage.cc does it: in a mount namespace, else in a user namespace too; on a tmpfs of its own.
Outcome overlay_stage() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const char* own_marks = "";
  if (::unshare(CLONE_NEWNS) != 0) {
    if (errno != EPERM || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return failed("unshare");
    own_marks = ",userxattr";
    char map[64];
    if (!write_text("/proc/self/setgroups", "deny")) return failed("setgroups");
    (void)std::snprintf(map, sizeof map, "%u %u 1", uid, uid);
    if (!write_text("/proc/self/uid_map", map)) return failed("uid_map");
    (void)std::snprintf(map, sizeof map, "%u %u 1", gid, gid);
    if (!write_text("/proc/self/gid_map", map)) return failed("gid_map");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("mount");
  if (::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") != 0) return failed("mount");
  for (const char* layer : {"/tmp/lower", "/tmp/upper", "/tmp/work"}) {
    if (::mkdir(layer, 0700) != 0) return failed("mkdir");
  }
  char options[256];
  (void)std::snprintf(options, sizeof options,
                      "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work,redirect_dir=nofollow,"
                      "metacopy=off,index=off,xino=off%s",
                      own_marks);
  if (::mount("none", "/tmp/lower", "overlay", MS_NOSUID | MS_NODEV, options) != 0) return failed("mount");
  struct statfs info{};
  if (::statfs("/tmp/lower", &info) != 0) return failed("statfs");
  if (info.f_type != OVERLAYFS_SUPER_MAGIC) return {"mount", EOPNOTSUPP, -1};
  return {"mount", 0, -1};
}

}  // namespace probe
