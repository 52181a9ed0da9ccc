#include "linux/probe/probe.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "linux/probe/attempts.h"
#include "linux/raw_syscall.h"

namespace probe {
namespace {

constexpr size_t stack_bytes = 256U << 10U;
constexpr unsigned deadline_s = 2;

struct Entry {
  const char* name;
  Attempt attempt;
  // Of clone3(2), beside CLONE_VM and CLONE_VFORK.
  unsigned long long flags;
  // Whether an unprivileged caller has it inside an user namespace of its own.
  bool in_user_namespace;
};

constexpr Entry entries[] = {
    {"clone3", nothing, 0, false},
    {"landlock", landlock_abi, 0, false},
    {"landlock-errata", landlock_errata, 0, false},
    {"landlock-scope-signal", landlock_scope_signal, 0, false},
    {"landlock-scope-abstract", landlock_scope_abstract, 0, false},
    {"seccomp-filter", seccomp_filter, 0, false},
    {"seccomp-notify", seccomp_notify, 0, false},
    {"seccomp-addfd-send", seccomp_addfd_send, 0, false},
    {"seccomp-wait-killable", seccomp_wait_killable, 0, false},
    {"seccomp-sync-wake-up", seccomp_sync_wake_up, 0, false},
    {"openat2", open_beneath, 0, false},
    {"pidfd-thread", pidfd_thread, 0, false},
    {"pidfd-get-info", pidfd_info, 0, false},
    {"close-range", close_range_cloexec, 0, false},
    {"io_uring", io_uring, 0, false},
    {"user-namespace", nothing, CLONE_NEWUSER, false},
    {"mount-namespace", private_mount, CLONE_NEWNS, true},
    {"overlay-stage", overlay_stage, 0, false},
    {"execution-watch", exec_watch, 0, false},
    {"network-namespace", loopback_up, CLONE_NEWNET, true},
    {"cgroup2", cgroup2, 0, false},
    {"o-tmpfile", unnamed_file, 0, false},
    {"rename-exchange", exchange, 0, false},
    {"memfd-noexec-seal", memfd_noexec, 0, false},
};

struct Job {
  Attempt attempt;
  Outcome outcome;
};

void run_job(void* argument) {
  auto* job = static_cast<Job*>(argument);
  // An attempt that hangs must not hang the broker: SIGALRM has its default effect here
  // (CLONE_CLEAR_SIGHAND).
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::alarm(deadline_s);
  job->outcome = job->attempt();
  for (;;) ::_exit(0);
}

Finding try_one(const Entry& entry, void* stack) {
  Job job{entry.attempt, {"clone3", ECANCELED, -1}};
  clone_args args{};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND | entry.flags;
  if (entry.in_user_namespace && ::geteuid() != 0) args.flags |= CLONE_NEWUSER;
  args.stack = static_cast<__u64>(sys::raw(static_cast<char*>(stack)));
  args.stack_size = stack_bytes;
  // exit_signal 0: libuv's handler of SIGCHLD has nothing to do with this child.
  const long pid = sys::raw_clone3(&args, run_job, &job);
  if (pid < 0) return {entry.name, "clone3", static_cast<int>(-pid), -1};
  while (::waitpid(static_cast<pid_t>(pid), nullptr, __WALL) < 0 && errno == EINTR) {
  }
  return {entry.name, job.outcome.call, job.outcome.error, job.outcome.value};
}

Finding find_libseccomp() {
  void* library = ::dlopen("libseccomp.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {"libseccomp", "dlopen", ENOENT, -1};
  (void)::dlclose(library);
  return {"libseccomp", "dlopen", 0, -1};
}

}  // namespace

std::vector<Finding> probe_all() {
  std::vector<Finding> findings;
  void* stack =
      ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  const int stack_error = stack == MAP_FAILED ? errno : 0;
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  // A handler must not run in a child on our memory before CLONE_CLEAR_SIGHAND or after a signal to the
  // group.
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  for (const Entry& entry : entries) {
    findings.push_back(stack_error == 0 ? try_one(entry, stack)
                                        : Finding{entry.name, "mmap", stack_error, -1});
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (stack_error == 0) (void)::munmap(stack, stack_bytes);
  findings.push_back(find_libseccomp());
  return findings;
}

}  // namespace probe
