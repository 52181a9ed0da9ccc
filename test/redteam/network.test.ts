import { join } from "node:path";
import { attack } from "../support/attack.ts";
import { datagramServer, tcpServer, unixServer } from "../support/scenes.ts";

const refused = { layer: "broker", control: "succeeds" } as const;

attack({
  ...refused,
  name: "a TCP connection",
  victim: "tcp_connect",
  scene: () => tcpServer((port) => [port]),
  rule: /^network\.socket$/,
});

attack({
  ...refused,
  name: "a listening port",
  victim: "bind_listen",
  rule: /^network\.socket$/,
});

for (const [kind, rule, mayLack] of [
  ["mptcp", "socket", "MPTCP"],
  ["udp", "socket", "IPv4"],
  ["udp6", "socket", "IPv6"],
  ["icmp", "socket", "a net.ipv4.ping_group_range that holds the own group"],
  ["raw", "socket", "CAP_NET_RAW"],
  ["vsock", "family", "AF_VSOCK"],
  ["packet", "family", "AF_PACKET and CAP_NET_RAW"],
  ["uevent", "family", "AF_NETLINK"],
  ["audit", "family", "CONFIG_AUDIT"],
  ["netfilter", "family", "CONFIG_NETFILTER_NETLINK"],
  ["alg", "family", "AF_ALG"],
  ["key", "family", "AF_KEY"],
  ["bluetooth", "family", "AF_BLUETOOTH"],
  ["xdp", "family", "AF_XDP"],
] as const) {
  attack({
    ...refused,
    name: `a socket of kind ${kind}`,
    victim: "socket_families",
    args: [kind],
    rule: new RegExp(`^network\\.${rule}$`),
    mayLack,
  });
}

attack({
  ...refused,
  name: "a Unix socket outside, by its path",
  victim: "pathname_socket",
  scene: (arena) => {
    const path = join(arena.root, "listener");
    return unixServer(path, [path]);
  },
  rule: /^default-deny$/,
});

attack({
  ...refused,
  name: "an abstract Unix socket",
  victim: "abstract_socket",
  scene: (arena) => unixServer(`\0${arena.root}`, [arena.root]),
  rule: /^network\.abstract$/,
});

attack({
  ...refused,
  name: "a datagram socket of a pair that sends to a path",
  victim: "dgram_sendto",
  scene: (arena) => {
    const path = join(arena.root, "listener");
    return datagramServer(path, [path]);
  },
  rule: /^network\.pair$/,
});

for (const [way, rule] of [
  ["connect", "connect"],
  ["listen", "connect"],
  ["sendto", "fast-open"],
  ["sendmmsg", "fast-open"],
  ["sendmsg", "fast-open-message"],
  ["high", "fast-open"],
] as const) {
  attack({
    ...refused,
    name: `a TCP socket that the run was started with, by ${way}`,
    victim: "inherited_socket",
    scene: () => tcpServer((port) => [way, port]),
    within: "with_socket",
    rule: new RegExp(`^network\\.${rule}$`),
  });
}

attack({
  ...refused,
  name: "objects of System V and POSIX queues",
  victim: "system_v",
  rule: /^ipc\./,
  mayLack: "CONFIG_SYSVIPC and CONFIG_POSIX_MQUEUE",
});
