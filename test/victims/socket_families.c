// Asks for a socket of one kind. socket_families KIND
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "victim.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static const struct {
  const char* name;
  int family, type, protocol;
} kinds[] = {
    {"mptcp", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
    {"udp", AF_INET, SOCK_DGRAM, 0},
    {"udp6", AF_INET6, SOCK_DGRAM, 0},
    {"icmp", AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
    {"raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
    {"vsock", AF_VSOCK, SOCK_STREAM, 0},
    {"packet", AF_PACKET, SOCK_RAW, 0},
    {"uevent", AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT},
    {"audit", AF_NETLINK, SOCK_RAW, NETLINK_AUDIT},
    {"netfilter", AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER},
    {"alg", AF_ALG, SOCK_SEQPACKET, 0},
    {"key", AF_KEY, SOCK_RAW, 2},
    {"bluetooth", AF_BLUETOOTH, SOCK_RAW, 1},
    {"xdp", AF_XDP, SOCK_RAW, 0},
};

int main(int argc, char** argv) {
  const char* name = argument(argc, argv, 1);
  for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
    if (strcmp(kinds[at].name, name) == 0)
      judge("socket", socket(kinds[at].family, kinds[at].type, kinds[at].protocol));
  }
  finish(BROKEN, "no such kind");
}
