"""What a program inside needs to talk to its broker without a library: frames by hand, descriptors with them."""
import array, os, socket, struct, sys

OPS = {name: at + 1 for at, name in enumerate(
    "open stat list mkdir mknod unlink rename link symlink chmod chown utimens truncate setxattr removexattr exec begin commit"
    " discard connect bind resolve kill challenge present".split())}


def pack(value):
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        if value >= 0:
            return bytes([value]) if value < 128 else b"\xcf" + struct.pack(">Q", value) if value >= 1 << 32 else b"\xce" + struct.pack(">I", value) if value >= 1 << 16 else b"\xcd" + struct.pack(">H", value) if value >= 256 else b"\xcc" + bytes([value])
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        data = value.encode()
        if len(data) < 32:
            return bytes([0xA0 | len(data)]) + data
        return (b"\xd9" + bytes([len(data)]) if len(data) < 256 else b"\xda" + struct.pack(">H", len(data))) + data
    head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
    return head + b"".join(pack(one) for one in value)


def unpack(data):
    def at(i):
        b = data[i]
        if b < 0x80: return b, i + 1
        if b >= 0xE0: return b - 256, i + 1
        if b == 0xC0: return None, i + 1
        if 0xA0 <= b < 0xC0: return data[i + 1:i + 1 + b - 0xA0].decode(), i + 1 + b - 0xA0
        if b == 0xD9: return data[i + 2:i + 2 + data[i + 1]].decode(), i + 2 + data[i + 1]
        if b == 0xDA:
            n = struct.unpack_from(">H", data, i + 1)[0]
            return data[i + 3:i + 3 + n].decode(), i + 3 + n
        size = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q", 0xCB: ">d"}.get(b)
        if size: return struct.unpack_from(size, data, i + 1)[0], i + 1 + struct.calcsize(size)
        n, i = (b - 0x90, i + 1) if 0x90 <= b < 0xA0 else (struct.unpack_from(">H", data, i + 1)[0], i + 3)
        out = []
        for _ in range(n):
            one, i = at(i)
            out.append(one)
        return out, i
    return at(0)[0]


class Broker:
    """One channel. `fd` given: one that somebody else has opened and greeted."""

    def __init__(self, fd=None):
        opened = os.open("/run/sallyport/broker", os.O_RDWR) if fd is None else fd
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fileno=opened)
        self.id = 0
        if fd is None:
            self.socket.send(pack(["sallyport", 1]))
            self.socket.recv(65536)

    def ask(self, op, *fields, fds=()):
        self.id += 1
        self.socket.sendmsg([pack([self.id, OPS[op], *fields])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(16))
        got = array.array("i")
        for level, kind, part in ancillary:
            if kind == socket.SCM_RIGHTS: got.frombytes(part[:len(part) - len(part) % 4])
        reply = unpack(data)
        return (reply, list(got)) if reply[1] == 0 else (reply, [])

    def verdict(self, op, *fields, fds=()):
        """"ok", the rule of a denial, or the name of an errno."""
        reply, got = self.ask(op, *fields, fds=fds)
        for fd in got: os.close(fd)
        return "ok" if reply[1] == 0 else reply[4][2] if reply[4] else reply[2]

    def present(self, token, proof=""):
        reply, _ = self.ask("present", token, proof)
        return reply[2][1] if reply[1] == 0 else reply[4][2] if reply[4] else reply[2]

    def launch(self, handle, argv, fds=(), env=None):
        env = [f"{k}={v}" for k, v in os.environ.items()] if env is None else env
        reply, _ = self.ask("exec", argv[0], argv, env, os.getcwd(), *([] if handle is None else [handle]), fds=fds)
        return reply[2][1] if reply[1] == 0 else reply[4][2] if reply[4] else reply[2]


def attempt(what):
    """What a program gets that just tries: "ok", or the name of the errno."""
    import errno
    try:
        what()
        return "ok"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def say(*words):
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()
