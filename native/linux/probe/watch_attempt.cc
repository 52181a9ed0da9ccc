#include <fcntl.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "base/unique_fd.h"
#include "linux/probe/attempts.h"
#include "linux/raw_syscall.h"

namespace probe {
namespace {

constexpr size_t stack_bytes = 64U << 10U;

Outcome failed(const char* call) { return {call, errno, -1}; }

void run_program(void* path) {
  // When the one that answers is killed the kernel lets this one through.
  const long argv[] = {sys::raw(path), 0};
  const long done = sys::raw_syscall(__NR_execve, sys::raw(path), sys::raw(argv), sys::raw(argv + 1));
  for (;;) sys::raw_syscall(__NR_exit, done == -EPERM ? 0 : 1);
}

}  // namespace

// As linux/watch does it: on a mount of its own, an execution is refused by its event.
Outcome exec_watch() {
  if (::unshare(CLONE_NEWNS) != 0) return failed("unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("mount");
  if (::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=1m") != 0) return failed("mount");
  {
    const base::UniqueFd program(::open("/tmp/program", O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    if (!program.valid()) return failed("open");
  }
  const base::UniqueFd group(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC));
  if (!group.valid()) return failed("fanotify_init");
  if (::fanotify_mark(group.get(), FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_EXEC_PERM, AT_FDCWD, "/tmp") != 0)
    return failed("fanotify_mark");
  void* stack =
      ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return failed("mmap");
  clone_args args{};
  args.flags = CLONE_VM;
  args.stack = static_cast<__u64>(sys::raw(static_cast<char*>(stack)));
  args.stack_size = stack_bytes;
  const long pid = sys::raw_clone3(&args, run_program, const_cast<char*>("/tmp/program"));
  if (pid < 0) return {"clone3", static_cast<int>(-pid), -1};
  fanotify_event_metadata event{};
  Outcome outcome = failed("read");
  if (::read(group.get(), &event, sizeof event) == static_cast<ssize_t>(sizeof event)) {
    const base::UniqueFd file(event.fd);
    const fanotify_response refusal{file.get(), FAN_DENY};
    outcome = ::write(group.get(), &refusal, sizeof refusal) < 0 ? failed("write")
                                                                 : Outcome{"fanotify_mark", 0, -1};
  }
  int status = 0;
  while (::waitpid(static_cast<pid_t>(pid), &status, __WALL) < 0 && errno == EINTR) {
  }
  (void)::munmap(stack, stack_bytes);
  const bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return outcome.error == 0 && !refused ? Outcome{"execve", EOPNOTSUPP, -1} : outcome;
}

}  // namespace probe
