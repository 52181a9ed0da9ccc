#include "linux/netns/namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace netns {
namespace {

using base::Done;
using base::Failure;
using base::last_failure;
using base::Result;

Result<Done> write_file(const char* path, const char* text) {
  const base::UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return last_failure("open");
  if (::write(fd.get(), text, std::strlen(text)) < 0) return last_failure("write");
  return Done{};
}

// user_namespaces(7): without privilege one line each, the own id, and the gid only once setgroups(2) is
// denied.
Result<Done> map_own_ids(uid_t uid, gid_t gid) {
  char line[64];
  if (Result<Done> done = write_file("/proc/self/setgroups", "deny"); !done.ok()) return done;
  std::snprintf(line, sizeof(line), "%u %u 1\n", uid, uid);
  if (Result<Done> done = write_file("/proc/self/uid_map", line); !done.ok()) return done;
  std::snprintf(line, sizeof(line), "%u %u 1\n", gid, gid);
  return write_file("/proc/self/gid_map", line);
}

Result<Done> enter_both() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  // The maps of a process that is not dumpable belong to root.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0) return last_failure("prctl");
  Result<Done> done = Done{};
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    done = last_failure("unshare");
  } else {
    done = map_own_ids(uid, gid);
  }
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return last_failure("prctl");
  return done;
}

bool netns_cookie(int socket, uint64_t& cookie) {
  socklen_t size = sizeof(cookie);
  return ::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 && size == sizeof(cookie);
}

}  // namespace

Result<Done> enter(With with) {
  if (with == With::user_and_network) return enter_both();
  if (::unshare(CLONE_NEWNET) != 0) return last_failure("unshare");
  return Done{};
}

bool is_foreign_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return errno != ENOTSOCK;
  if (domain == AF_UNIX) {
    int type = 0;
    size = sizeof(type);
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return true;
    sockaddr_un peer{};
    size = sizeof(peer);
    // A connected datagram socket may be connected again, to any path.
    return type == SOCK_DGRAM || ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0;
  }
  const base::UniqueFd own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t theirs = 0;
  uint64_t ours = 0;
  return !netns_cookie(fd, theirs) || !netns_cookie(own.get(), ours) || theirs != ours;
}

}  // namespace netns
