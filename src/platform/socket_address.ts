/** Reads a sockaddr of Linux, as a caller passed it: hostile bytes of any length up to 128. */

/** "unspecified" disconnects (AF_UNSPEC); "invalid" is what the kernel answers with EINVAL for its family. */
export type SocketAddress =
  /** A file; its path is not read here, since only the notifier knows the caller's directory. */
  | { readonly family: "unix"; readonly name: "pathname" }
  /** `text` shows the name without its leading NUL; bytes that are no UTF-8 are replaced. */
  | { readonly family: "unix"; readonly name: "abstract"; readonly text: string }
  /** No name: bind(2) lets the kernel choose an abstract one, connect(2) refuses. */
  | { readonly family: "unix"; readonly name: "none" }
  | { readonly family: "inet"; readonly address: string; readonly port: number }
  | { readonly family: "inet6"; readonly address: string; readonly port: number; readonly scopeId: number }
  | { readonly family: "netlink"; readonly port: number; readonly groups: number }
  | { readonly family: "unspecified" }
  | { readonly family: "other"; readonly number: number }
  | { readonly family: "invalid" };

// linux/socket.h
const AF_UNSPEC = 0;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
// sizeof of linux/un.h, linux/in.h, linux/in6.h (without and with sin6_scope_id), linux/netlink.h
const UN_BYTES = 110;
const IN_BYTES = 16;
const IN6_LEAST_BYTES = 24;
const IN6_BYTES = 28;
const NL_BYTES = 12;

const INVALID: SocketAddress = { family: "invalid" };
const utf8 = new TextDecoder("utf-8", { fatal: false });

export function readSocketAddress(bytes: Uint8Array): SocketAddress {
  if (bytes.length < 2) return INVALID;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The family is in the order of the machine, ports and addresses in that of the network.
  const family = view.getUint16(0, true);
  switch (family) {
    case AF_UNSPEC:
      return { family: "unspecified" };
    case AF_UNIX:
      if (bytes.length > UN_BYTES) return INVALID;
      if (bytes.length === 2) return { family: "unix", name: "none" };
      if (bytes[2] !== 0) return { family: "unix", name: "pathname" };
      return { family: "unix", name: "abstract", text: utf8.decode(bytes.subarray(3)) };
    case AF_INET:
      if (bytes.length < IN_BYTES) return INVALID;
      return { family: "inet", address: bytes.subarray(4, 8).join("."), port: view.getUint16(2) };
    case AF_INET6:
      if (bytes.length < IN6_LEAST_BYTES) return INVALID;
      return {
        family: "inet6",
        address: inet6Text(view),
        port: view.getUint16(2),
        scopeId: bytes.length < IN6_BYTES ? 0 : view.getUint32(24, true),
      };
    case AF_NETLINK:
      if (bytes.length < NL_BYTES) return INVALID;
      return { family: "netlink", port: view.getUint32(4, true), groups: view.getUint32(8, true) };
    default:
      return { family: "other", number: family };
  }
}

/** RFC 5952: lower case, the first longest run of zero groups as "::". An IPv4-mapped address stays in hexadecimal. */
function inet6Text(view: DataView): string {
  const groups = Array.from({ length: 8 }, (_, at) => view.getUint16(8 + 2 * at).toString(16));
  let start = -1;
  let length = 1;
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === "0") end++;
    if (end - at > length) {
      start = at;
      length = end - at;
    }
    if (end > at) at = end - 1;
  }
  if (start < 0) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}
