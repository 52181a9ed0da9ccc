#include "linux/watch/executions.h"

#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "linux/watch/mounts.h"

namespace watch {
namespace {

using base::last_failure;
using base::Result;

constexpr size_t buffer_bytes = 4096;

// The kernel takes no permission marks on these; no program lies in them.
bool holds_no_programs(std::string_view type) {
  for (const std::string_view known :
       {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "securityfs", "tracefs", "debugfs", "bpf", "mqueue",
        "pstore", "configfs", "fusectl", "nsfs", "binfmt_misc", "efivarfs", "autofs", "selinuxfs",
        "rpc_pipefs"}) {
    if (type == known) return true;
  }
  return false;
}

}  // namespace

Result<Executions> Executions::watch_own_mounts() {
  base::UniqueFd group(
      ::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_LARGEFILE | O_CLOEXEC));
  if (!group.valid()) return last_failure("fanotify_init");
  Result<std::vector<Mount>> mounts = own_mounts();
  if (!mounts.ok()) return mounts.failure();
  for (const Mount& mount : mounts.value()) {
    if (::fanotify_mark(group.get(), FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_EXEC_PERM, AT_FDCWD,
                        mount.path.c_str()) == 0)
      continue;
    // Hidden below a later mount: nobody gets there by a name either.
    if (errno == ENOENT || errno == ENOTDIR) continue;
    if (!holds_no_programs(mount.type)) return last_failure("fanotify_mark");
  }
  return Executions(std::move(group));
}

bool Executions::answer(const std::function<bool(int fd, pid_t pid)>& decide) {
  alignas(fanotify_event_metadata) std::array<char, buffer_bytes> buffer;
  ssize_t size = ::read(group_.get(), buffer.data(), buffer.size());
  // Without a descriptor to be had (EMFILE) the kernel has refused that execution: the next one is to be
  // seen.
  if (size < 0) return errno != EBADF;
  const auto* event = reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
  for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
    const base::UniqueFd file(event->fd);
    if (!file.valid()) continue;
    fanotify_response response{};
    response.fd = file.get();
    response.response = group_.valid() && decide(file.get(), event->pid) ? FAN_ALLOW : FAN_DENY;
    // A failure says that whoever waited has been killed meanwhile.
    if (group_.valid()) (void)!::write(group_.get(), &response, sizeof response);
  }
  return true;
}

}  // namespace watch
