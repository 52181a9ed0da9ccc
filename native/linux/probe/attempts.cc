#include "linux/probe/attempts.h"

#include <linux/io_uring.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace probe {
namespace {

Outcome works(const char* call, int value = -1) { return {call, 0, value}; }
Outcome failed(const char* call) { return {call, errno, -1}; }
// The call was accepted and did not do what it promises.
Outcome without_effect(const char* call) { return {call, EOPNOTSUPP, -1}; }

Outcome check(const char* call, long result) { return result < 0 ? failed(call) : works(call); }

// Confines this process to a domain that handles nothing but `scoped`.
Outcome restrict_scope(unsigned long long scoped) {
  uapi::LandlockRulesetAttr attr{};
  attr.scoped = scoped;
  const long ruleset = ::syscall(__NR_landlock_create_ruleset, &attr, sizeof(attr), 0);
  if (ruleset < 0) return failed("landlock_create_ruleset");
  const base::UniqueFd owned(static_cast<int>(ruleset));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("prctl");
  return check("landlock_restrict_self", ::syscall(__NR_landlock_restrict_self, owned.get(), 0));
}

}  // namespace

Outcome nothing() { return works("clone3"); }

Outcome landlock_abi() {
  const long version = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 0) return failed("landlock_create_ruleset");
  return works("landlock_create_ruleset", static_cast<int>(version));
}

Outcome landlock_errata() {
  const long fixed = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_ERRATA);
  if (fixed < 0) return failed("landlock_create_ruleset");
  return works("landlock_create_ruleset", static_cast<int>(fixed));
}

Outcome landlock_scope_signal() {
  const pid_t outside = ::getppid();
  const Outcome confined = restrict_scope(LANDLOCK_SCOPE_SIGNAL);
  if (confined.error != 0) return confined;
  if (::kill(outside, 0) == 0 || errno != EPERM) return without_effect("kill");
  return works("landlock_restrict_self");
}

Outcome landlock_scope_abstract() {
  // Made before the confinement, so it belongs to the outside.
  const base::UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const base::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address.sun_family);  // unix(7), autobind: a free abstract address
  if (::bind(server.get(), generic, size) != 0 || ::listen(server.get(), 1) != 0) return failed("bind");
  size = sizeof(address);
  if (::getsockname(server.get(), generic, &size) != 0) return failed("getsockname");
  const Outcome confined = restrict_scope(LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET);
  if (confined.error != 0) return confined;
  if (::connect(client.get(), generic, size) == 0 || errno != EPERM) return without_effect("connect");
  return works("landlock_restrict_self");
}

Outcome open_beneath() {
  const base::UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const base::UniqueFd fd(static_cast<int>(::syscall(__NR_openat2, root.get(), ".", &how, sizeof(how))));
  return check("openat2", fd.get());
}

Outcome pidfd_thread() {
  const base::UniqueFd fd(static_cast<int>(::syscall(__NR_pidfd_open, ::syscall(__NR_gettid), PIDFD_THREAD)));
  return check("pidfd_open", fd.get());
}

Outcome pidfd_info() {
  const base::UniqueFd fd(static_cast<int>(::syscall(__NR_pidfd_open, ::getpid(), 0)));
  if (!fd.valid()) return failed("pidfd_open");
  uapi::PidfdInfo info{};
  info.mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS;
  if (::ioctl(fd.get(), PIDFD_GET_INFO, &info) != 0) return failed("ioctl");
  if ((info.mask & PIDFD_INFO_PID) == 0 || static_cast<pid_t>(info.pid) != ::getpid())
    return without_effect("ioctl");
  return works("ioctl");
}

Outcome close_range_cloexec() {
  return check("close_range", ::syscall(__NR_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC));
}

Outcome io_uring() {
  io_uring_params params{};
  const base::UniqueFd ring(static_cast<int>(::syscall(__NR_io_uring_setup, 1, &params)));
  return check("io_uring_setup", ring.get());
}

Outcome private_mount() {
  return check("mount", ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
}

Outcome loopback_up() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return check("ioctl", ::ioctl(socket.get(), SIOCSIFFLAGS, &request));
}

Outcome cgroup2() {
  char own[PATH_MAX];
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return failed("open");
  bool found = false;
  while (!found && std::fgets(own, sizeof(own), file) != nullptr) found = std::strncmp(own, "0::", 3) == 0;
  (void)std::fclose(file);
  if (!found) return {"open", ENOENT, -1};
  own[std::strcspn(own, "\n")] = '\0';
  char path[PATH_MAX + 64];
  std::snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.procs", own + 3);
  if (::access(path, W_OK) != 0) return failed("access");
  std::snprintf(path, sizeof(path), "/sys/fs/cgroup%s/sallyport-probe-%d", own + 3, ::getpid());
  if (::mkdir(path, 0700) != 0) return failed("mkdir");
  return check("rmdir", ::rmdir(path));
}

Outcome unnamed_file() {
  const base::UniqueFd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return check("open", fd.get());
}

Outcome exchange() {
  char one[64];
  char two[64];
  std::snprintf(one, sizeof(one), "/tmp/.sallyport-probe-%d-1", ::getpid());
  std::snprintf(two, sizeof(two), "/tmp/.sallyport-probe-%d-2", ::getpid());
  constexpr int flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY;
  const base::UniqueFd first(::open(one, flags, 0600));
  const base::UniqueFd second(::open(two, flags, 0600));
  Outcome outcome = failed("open");
  if (first.valid() && second.valid()) {
    outcome = check("renameat2", ::renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE));
  }
  if (first.valid()) (void)::unlink(outcome.error == 0 ? two : one);
  if (second.valid()) (void)::unlink(outcome.error == 0 ? one : two);
  return outcome;
}

Outcome memfd_noexec() {
  const base::UniqueFd fd(::memfd_create("sallyport-probe", MFD_CLOEXEC | MFD_NOEXEC_SEAL));
  return check("memfd_create", fd.get());
}

}  // namespace probe
