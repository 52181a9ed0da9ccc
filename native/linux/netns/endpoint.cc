#include "linux/netns/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace netns {
namespace {

using base::last_failure;
using base::Result;
using base::UniqueFd;

constexpr int backlog = 1024;
// What a listener accepts comes over loopback, and inherits this. More bytes under way than fit the caches
// cost more than they bring: an unbounded buffer took a third of the throughput.
constexpr int send_buffer_bytes = 256 << 10;

socklen_t fill(const plan::Endpoint& endpoint, sockaddr_storage& out) {
  if (endpoint.family == plan::AddressFamily::ipv4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address, sizeof(address.sin_addr));
    std::memcpy(&out, &address, sizeof(address));
    return sizeof(address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::memcpy(&address.sin6_addr, endpoint.address, sizeof(address.sin6_addr));
  std::memcpy(&out, &address, sizeof(address));
  return sizeof(address);
}

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

}  // namespace

Result<UniqueFd> open_endpoint(const plan::Endpoint& endpoint) {
  const int family = endpoint.family == plan::AddressFamily::ipv4 ? AF_INET : AF_INET6;
  const int type = endpoint.use == plan::EndpointUse::datagram ? SOCK_DGRAM : SOCK_STREAM;
  UniqueFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return last_failure("socket");
  sockaddr_storage address{};
  const socklen_t size = fill(endpoint, address);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (endpoint.use == plan::EndpointUse::connect) {
    (void)set(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    if (::connect(fd.get(), generic, size) != 0 && errno != EINPROGRESS) return last_failure("connect");
    return fd;
  }
  if (family == AF_INET6 && !set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return last_failure("setsockopt");
  if (!set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return last_failure("setsockopt");
  if (endpoint.use == plan::EndpointUse::listen)
    (void)set(fd.get(), SOL_SOCKET, SO_SNDBUF, send_buffer_bytes);
  if (::bind(fd.get(), generic, size) != 0) return last_failure("bind");
  if (endpoint.use == plan::EndpointUse::listen && ::listen(fd.get(), backlog) != 0)
    return last_failure("listen");
  return fd;
}

}  // namespace netns
