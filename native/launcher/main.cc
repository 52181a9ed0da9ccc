// sallyport-launcher: parent, child subreaper and watchdog of one run. Started by the addon with one end of a
// SOCK_SEQPACKET pair as descriptor 3 and every signal blocked; leaves when that socket closes and no process
// is left.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "launcher/run.h"
#include "launcher/stage.h"
#include "linux/uapi.h"

namespace {

constexpr int socket_fd = 3;
constexpr int setup_failed = 125;

// By the kernel's own call: posix_spawn(3) leaves the two signals that glibc keeps for itself ignored, and
// ignored signals outlive execve(2). The struct is the kernel's, and all zero is SIG_DFL on every
// architecture.
void restore_signal_defaults() {
  const unsigned long zero[4] = {};
  for (int number = 1; number <= 64; ++number) (void)::syscall(__NR_rt_sigaction, number, zero, nullptr, 8);
}

bool prepare() {
  restore_signal_defaults();
  sigset_t all;
  (void)::sigfillset(&all);
  // SIGTSTP, SIGTTOU, SIGHUP and the like must not stop or end a watchdog; SIGKILL and SIGSTOP need its own
  // authority.
  if (::sigprocmask(SIG_SETMASK, &all, nullptr) != 0) return false;
  // A session of its own: Ctrl-C on the terminal of the broker does not reach it. EPERM: it leads one
  // already.
  (void)::setsid();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return false;
  // A child that has switched its user shares this memory until execve(2): nobody of that user may trace it.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return false;
  if (::chdir("/") != 0) return false;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return false;
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(null, fd) != fd) return false;
  }
  if (::fcntl(socket_fd, F_SETFD, FD_CLOEXEC) != 0) return false;
  return ::syscall(__NR_close_range, socket_fd + 1, ~0U, 0) == 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "stage") == 0)
    return launcher::enter_stage(count - 2, arguments + 2);
  int type = 0;
  socklen_t size = sizeof(type);
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
    return setup_failed;
  if (!prepare()) return setup_failed;
  sigset_t children;
  (void)::sigemptyset(&children);
  (void)::sigaddset(&children, SIGCHLD);
  base::UniqueFd child_signals(::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!child_signals.valid()) return setup_failed;
  base::Result<launch::Spawner> spawner = launch::Spawner::create();
  if (!spawner.ok()) return setup_failed;
  launcher::Run run(base::UniqueFd(socket_fd), std::move(child_signals), std::move(spawner.value()));
  run.serve();
  return 0;
}
