#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>

#include "linux/probe/attempts.h"
#include "linux/raw_syscall.h"

namespace probe {
namespace {

using sys::raw;
using sys::raw_syscall;

constexpr size_t stack_bytes = 64U << 10U;

// getppid(2) gets `action`, everything else runs.
struct Filter {
  sock_filter code[4];
  sock_fprog program;

  explicit Filter(unsigned action)
      : code{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
             {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, __NR_getppid},
             {BPF_RET | BPF_K, 0, 0, action},
             {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}},
        program{4, code} {}
};

struct Target {
  unsigned long flags;
  // -1 until the filter is installed or has failed, then the listener or -errno - 1.
  std::atomic<long> listener;
  std::atomic<long> answer;
};

// A task of its own that shares memory and descriptors with the supervisor, and so must not use errno.
void run_target(void* argument) {
  auto* target = static_cast<Target*>(argument);
  Filter filter(SECCOMP_RET_USER_NOTIF);
  // When the supervisor is killed nobody answers: the listener lives on in the shared table.
  raw_syscall(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  raw_syscall(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1);
  const long listener = raw_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, static_cast<long>(target->flags),
                                    raw(&filter.program));
  target->listener = listener >= 0 ? listener : listener - 1;
  if (listener >= 0) target->answer = raw_syscall(__NR_getppid);
  for (;;) raw_syscall(__NR_exit, 0);
}

enum class Reply { value, descriptor };

// Waits for the target's one trapped call on `listener` and answers it.
Outcome answer(Target& target, int listener, Reply kind, bool sync_wake_up) {
  if (sync_wake_up) {
    const long set = raw_syscall(__NR_ioctl, listener, static_cast<long>(SECCOMP_IOCTL_NOTIF_SET_FLAGS),
                                 static_cast<long>(SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP));
    if (set < 0) return {"ioctl", static_cast<int>(-set), -1};
  }
  seccomp_notif request{};
  long done = raw_syscall(__NR_ioctl, listener, static_cast<long>(SECCOMP_IOCTL_NOTIF_RECV), raw(&request));
  if (done < 0) return {"ioctl", static_cast<int>(-done), -1};
  constexpr long value = 4711;
  if (kind == Reply::value) {
    seccomp_notif_resp response{};
    response.id = request.id;
    response.val = value;
    done = raw_syscall(__NR_ioctl, listener, static_cast<long>(SECCOMP_IOCTL_NOTIF_SEND), raw(&response));
  } else {
    seccomp_notif_addfd response{};
    response.id = request.id;
    response.flags = SECCOMP_ADDFD_FLAG_SEND;
    response.srcfd = static_cast<__u32>(listener);
    done = raw_syscall(__NR_ioctl, listener, static_cast<long>(SECCOMP_IOCTL_NOTIF_ADDFD), raw(&response));
  }
  if (done < 0) return {"ioctl", static_cast<int>(-done), -1};
  while (target.answer == -1) (void)::sched_yield();
  const bool answered = kind == Reply::value ? target.answer == value : target.answer >= 0;
  return {"ioctl", answered ? 0 : EOPNOTSUPP, -1};
}

// Lets a target trap once and answers it.
Outcome round_trip(unsigned long flags, Reply kind, bool sync_wake_up) {
  void* stack =
      ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return {"mmap", errno, -1};
  Target target{flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, -1, -1};
  clone_args args{};
  args.flags = CLONE_VM | CLONE_FILES;
  args.stack = static_cast<__u64>(raw(static_cast<char*>(stack)));
  args.stack_size = stack_bytes;
  const long pid = sys::raw_clone3(&args, run_target, &target);
  if (pid < 0) return {"clone3", static_cast<int>(-pid), -1};
  while (target.listener == -1) (void)::sched_yield();
  const long listener = target.listener;
  const Outcome outcome = listener < 0 ? Outcome{"seccomp", static_cast<int>(-listener - 1), -1}
                                       : answer(target, static_cast<int>(listener), kind, sync_wake_up);
  // The memory is the broker's: no task may be left on this stack when it is given back.
  (void)::kill(static_cast<pid_t>(pid), SIGKILL);
  while (::waitpid(static_cast<pid_t>(pid), nullptr, __WALL) < 0 && errno == EINTR) {
  }
  (void)::munmap(stack, stack_bytes);
  return outcome;
}

}  // namespace

Outcome seccomp_filter() {
  Filter filter(SECCOMP_RET_ERRNO | EXDEV);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return {"prctl", errno, -1};
  const long installed = raw_syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, raw(&filter.program));
  if (installed < 0) return {"seccomp", static_cast<int>(-installed), -1};
  return {"seccomp", raw_syscall(__NR_getppid) == -EXDEV ? 0 : EOPNOTSUPP, -1};
}

Outcome seccomp_notify() { return round_trip(0, Reply::value, false); }
Outcome seccomp_addfd_send() { return round_trip(0, Reply::descriptor, false); }
Outcome seccomp_wait_killable() {
  return round_trip(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Reply::value, false);
}
Outcome seccomp_sync_wake_up() { return round_trip(0, Reply::value, true); }

}  // namespace probe
