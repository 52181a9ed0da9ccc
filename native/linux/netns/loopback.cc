#include "linux/netns/loopback.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/unique_fd.h"

namespace netns {
namespace {

using base::Done;
using base::Failure;
using base::last_failure;
using base::Result;

constexpr int loopback_index = 1;  // LOOPBACK_IFINDEX: the first interface of every namespace
// Resolvers that are asked for the address families in use (AI_ADDRCONFIG) do not count 127.0.0.1 and ::1.
constexpr uint8_t own_ipv4[4] = {198, 18, 0, 1};  // RFC 2544
constexpr uint8_t own_ipv6[16] = {0xfd, 0x53, 0x61, 0x6c, 0x6c, 0x79, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

// One rtnetlink request, built in place.
class Message {
 public:
  template <typename Body>
  Message(uint16_t type, uint16_t flags, const Body& body) {
    header().nlmsg_type = type;
    header().nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header().nlmsg_len = NLMSG_LENGTH(sizeof(Body));
    std::memcpy(NLMSG_DATA(&header()), &body, sizeof(Body));
  }

  void add(uint16_t type, std::span<const uint8_t> value) {
    const size_t at = NLMSG_ALIGN(header().nlmsg_len);
    rtattr attribute{static_cast<uint16_t>(RTA_LENGTH(value.size())), type};
    std::memcpy(bytes_.data() + at, &attribute, sizeof(attribute));
    std::memcpy(bytes_.data() + at + RTA_LENGTH(0), value.data(), value.size());
    header().nlmsg_len = static_cast<uint32_t>(at + RTA_ALIGN(attribute.rta_len));
  }

  void add(uint16_t type, uint32_t value) {
    std::array<uint8_t, sizeof(value)> bytes{};
    std::memcpy(bytes.data(), &value, sizeof(value));
    add(type, bytes);
  }

  // The kernel's answer: done, or its errno.
  [[nodiscard]] Result<Done> send(int socket) {
    if (::send(socket, bytes_.data(), header().nlmsg_len, 0) < 0) return last_failure("send");
    alignas(nlmsghdr) std::array<unsigned char, 4096> answer{};
    const ssize_t got = ::recv(socket, answer.data(), answer.size(), 0);
    if (got < 0) return last_failure("recv");
    nlmsghdr reply{};
    nlmsgerr error{};
    if (static_cast<size_t>(got) < NLMSG_LENGTH(sizeof(error))) return Failure{"rtnetlink", EPROTO};
    std::memcpy(&reply, answer.data(), sizeof(reply));
    std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof(error));
    if (reply.nlmsg_type != NLMSG_ERROR) return Failure{"rtnetlink", EPROTO};
    if (error.error != 0) return Failure{"rtnetlink", -error.error};
    return Done{};
  }

 private:
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  alignas(nlmsghdr) std::array<unsigned char, 256> bytes_{};
};

Result<Done> bring_up(int socket) {
  ifinfomsg body{};
  body.ifi_index = loopback_index;
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  return Message(RTM_NEWLINK, 0, body).send(socket);
}

Result<Done> add_address(int socket, uint8_t family, std::span<const uint8_t> address) {
  ifaddrmsg body{};
  body.ifa_family = family;
  body.ifa_prefixlen = static_cast<uint8_t>(address.size() * 8);
  body.ifa_flags = IFA_F_PERMANENT;
  body.ifa_index = loopback_index;
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  message.add(IFA_LOCAL, address);
  message.add(IFA_ADDRESS, address);
  return message.send(socket);
}

// ip route add local default dev lo table local
Result<Done> add_local_default(int socket, uint8_t family) {
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_table = RT_TABLE_LOCAL;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_HOST;
  body.rtm_type = RTN_LOCAL;
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, body);
  message.add(RTA_OIF, uint32_t{loopback_index});
  return message.send(socket);
}

}  // namespace

Result<Reach> make_every_address_local() {
  const base::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket.valid()) return last_failure("socket");
  if (Result<Done> done = bring_up(socket.get()); !done.ok()) return done.failure();
  if (Result<Done> done = add_address(socket.get(), AF_INET, own_ipv4); !done.ok()) return done.failure();
  if (Result<Done> done = add_local_default(socket.get(), AF_INET); !done.ok()) return done.failure();
  Reach reach;
  reach.ipv6 =
      add_address(socket.get(), AF_INET6, own_ipv6).ok() && add_local_default(socket.get(), AF_INET6).ok();
  return reach;
}

}  // namespace netns
