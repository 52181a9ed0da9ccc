"""A client of the broker."""

import io
import os
import socket
import stat as bits
from ctypes import byref, c_char_p, c_int, c_int64, c_void_p
from types import TracebackType
from typing import IO, Any, List, Mapping, Optional, Sequence, Tuple, Type, Union

from ._cells import cells_of, values_of
from ._errors import error_of
from ._library import CCellRange, CCells, CChallenge, CFailure, CNames, CStatus, CTimespec, CTransaction, load
from ._transaction import Transaction
from ._values import KINDS, CellValue, Challenge, Stat

PathLike = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
#: Nanoseconds since the epoch, or "now", or "keep".
Time = Union[int, str]

_EXISTING = {"replace": 0, "refuse": 1, "exchange": 2}
_XATTR_EXISTING = {"any": 0, "create": 1, "replace": 2}
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_KEEP_ID = 0xFFFFFFFF


def _timespec(time: Time) -> Tuple[int, int]:
    if isinstance(time, int):
        return divmod(time, 1_000_000_000)
    if time not in ("now", "keep"):
        raise ValueError('a time is nanoseconds, "now" or "keep"')
    return 0, _UTIME_NOW if time == "now" else _UTIME_OMIT


def _strings(texts: Sequence[PathLike]) -> Any:
    return (c_char_p * (len(texts) + 1))(*[os.fsencode(text) for text in texts], None)


class Client:
    """A channel to the broker, for any number of threads. A child made by os.fork() gets a channel of its own.

    Paths may be relative, and pathlib's. Each method raises a BrokerError, which is also the OSError that `os` would raise.
    """

    def __init__(self, handle: int, library: Any) -> None:
        self._handle: Optional[int] = handle
        self._library = library
        self.run: str = os.fsdecode(library.sp_run_id(handle))
        self.profile: str = os.fsdecode(library.sp_profile_name(handle))

    def _call(self, name: str, path: Optional[str], *arguments: Any) -> int:
        if self._handle is None:
            raise ValueError("the client is closed")
        failure = CFailure()
        result = int(getattr(self._library, name)(self._handle, *arguments, byref(failure)))
        if result < 0:
            raise error_of(self._library, failure, path)
        return result

    def _on(self, name: str, path: PathLike, *arguments: Any) -> int:
        return self._call(name, os.fsdecode(path), os.fsencode(path), *arguments)

    def open(self, path: PathLike, mode: str = "r", *, create_mode: int = 0o666, **how: Any) -> IO[Any]:
        """As the built-in open(): the same modes, and `buffering`, `encoding`, `errors`, `newline`."""

        def opener(name: PathLike, flags: int) -> int:
            return self._on("sp_open_linux", name, flags, create_mode)

        return io.open(path, mode, opener=opener, **how)

    def open_descriptor(self, path: PathLike, flags: int, mode: int = 0o666) -> int:
        """As os.open(): gives a descriptor, which is not inherited."""
        return self._on("sp_open_linux", path, flags, mode)

    def stat(self, path: PathLike, *, follow_symlinks: bool = True) -> Stat:
        status = CStatus()
        self._on("sp_stat", path, int(not follow_symlinks), byref(status))
        return Stat(
            kind=KINDS[status.kind],
            mode=status.mode,
            uid=status.uid,
            gid=status.gid,
            size_bytes=status.size_bytes,
            link_count=status.link_count,
            modified_ms=status.modified_ms,
            inode=status.inode,
            device=status.device,
        )

    def listdir(self, path: PathLike = ".") -> List[str]:
        names = CNames()
        self._on("sp_list", path, byref(names))
        try:
            return names.names.strings()
        finally:
            self._library.sp_names_clear(byref(names))

    def mkdir(self, path: PathLike, mode: int = 0o777) -> None:
        self._on("sp_mkdir", path, mode)

    def mkfifo(self, path: PathLike, mode: int = 0o666) -> None:
        self._on("sp_mknod", path, 1, mode)

    def mknod(self, path: PathLike, mode: int = 0o600) -> None:
        """Makes a regular file, or with stat.S_IFIFO in `mode` a FIFO; there is no way to a device."""
        if bits.S_IFMT(mode) not in (0, bits.S_IFREG, bits.S_IFIFO):
            raise ValueError("the broker makes files and FIFOs only")
        self._on("sp_mknod", path, int(bits.S_ISFIFO(mode)), bits.S_IMODE(mode))

    def unlink(self, path: PathLike) -> None:
        self._on("sp_unlink", path, 0)

    def rmdir(self, path: PathLike) -> None:
        self._on("sp_unlink", path, 1)

    def rename(self, source: PathLike, target: PathLike, *, existing: str = "replace") -> None:
        """`existing`: "replace", "refuse" or "exchange"."""
        self._on("sp_rename", source, os.fsencode(target), _EXISTING[existing])

    def link(self, source: PathLike, target: PathLike, *, follow_symlinks: bool = False) -> None:
        self._on("sp_link", source, os.fsencode(target), int(not follow_symlinks))

    def symlink(self, target: PathLike, path: PathLike) -> None:
        self._call("sp_symlink", os.fsdecode(path), os.fsencode(target), os.fsencode(path))

    def chmod(self, path: PathLike, mode: int, *, follow_symlinks: bool = True) -> None:
        self._on("sp_chmod", path, mode, int(not follow_symlinks))

    def chown(self, path: PathLike, uid: int = -1, gid: int = -1, *, follow_symlinks: bool = True) -> None:
        self._on("sp_chown", path, uid & _KEEP_ID, gid & _KEEP_ID, int(not follow_symlinks))

    def utime(
        self, path: PathLike, accessed: Time = "now", modified: Time = "now", *, follow_symlinks: bool = True
    ) -> None:
        times = (CTimespec * 2)(_timespec(accessed), _timespec(modified))
        self._on("sp_utimens", path, times, int(not follow_symlinks))

    def truncate(self, path: PathLike, size_bytes: int) -> None:
        self._on("sp_truncate", path, size_bytes)

    def setxattr(
        self, path: PathLike, name: str, value: bytes, *, existing: str = "any", follow_symlinks: bool = True
    ) -> None:
        """`existing`: "any", "create" or "replace"."""
        how = _XATTR_EXISTING[existing]
        self._on("sp_setxattr", path, os.fsencode(name), value, len(value), how, int(not follow_symlinks))

    def removexattr(self, path: PathLike, name: str, *, follow_symlinks: bool = True) -> None:
        self._on("sp_removexattr", path, os.fsencode(name), int(not follow_symlinks))

    def exec(
        self,
        path: PathLike,
        argv: Optional[Sequence[PathLike]] = None,
        *,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[PathLike] = None,
        descriptors: Sequence[int] = (),
        handle: Optional[int] = None,
    ) -> int:
        """Starts a program in the run and gives its pid; it is no child of this process.

        `descriptors` (up to three) become its 0, 1 and 2; with none it has the run's output and no input. With a `handle` of
        present() it is launched on its own, with what that token grants.
        """
        given = os.environ if env is None else env
        return self._call(
            "sp_exec_with",
            os.fsdecode(path),
            -1 if handle is None else handle,
            os.fsencode(path),
            _strings([path] if argv is None else argv),
            _strings([f"{name}={value}" for name, value in given.items()]),
            None if cwd is None else os.fsencode(cwd),
            (c_int * len(descriptors))(*descriptors),
            len(descriptors),
        )

    def connect_socket(self, host: str, port: int) -> socket.socket:
        """Connects to a granted host: a name, or the text of an address."""
        return socket.socket(fileno=self._call("sp_socket_connect", None, os.fsencode(host), port))

    def listen_socket(self, port: int) -> socket.socket:
        """Listens at 127.0.0.1 of the run, at a port that --listen grants. The socket does not block."""
        listening = socket.socket(fileno=self._call("sp_socket_listen", None, port))
        listening.setblocking(False)
        return listening

    def resolve(self, host: str) -> List[str]:
        """The addresses that stand for a granted name inside the run."""
        addresses = CNames()
        self._call("sp_resolve", None, os.fsencode(host), byref(addresses))
        try:
            return addresses.names.strings()
        finally:
            self._library.sp_names_clear(byref(addresses))

    def kill(self, pid: int, signal: int) -> None:
        """Signals a process of the same run; 0 only asks whether it is there."""
        self._call("sp_kill", None, pid, signal)

    def transaction(self, path: PathLike, mode: str = "w", *, create_mode: int = 0o666, **how: Any) -> Transaction:
        """Begins a write of the whole file; `mode` is one of "w", "w+", "wb" and "w+b"."""
        if not mode.startswith("w"):
            raise ValueError('a transaction writes a whole file: mode "w", "w+", "wb" or "w+b"')
        begun = CTransaction()
        self._on("sp_begin", path, create_mode, byref(begun))
        return Transaction(self, begun, os.fsdecode(path), mode, **how)

    def challenge(self) -> Challenge:
        """What a proof of possession is to be made for: good once, within a minute, in this client."""
        parts = CChallenge()
        self._call("sp_challenge", None, byref(parts))
        return Challenge(parts.nonce.decode(), parts.channel.decode(), parts.audience.decode())

    def present(self, token: str, proof: Optional[str] = None) -> int:
        """Shows the broker a token, and by `proof` (signed for a challenge(); None: it has no key) that it is the caller's.

        Gives a handle for exec(). The token must be within what this session has.
        """
        handle = c_int64()
        self._call("sp_present", None, token.encode(), None if proof is None else proof.encode(), byref(handle))
        return handle.value

    def read_cells(self, path: PathLike, sheet: str, cells: Tuple[int, int, int, int]) -> List[Tuple[CellValue, ...]]:
        """The values of `cells` (first column, first row, last column, last row, from 0) of a workbook, row by row."""
        found = CCells()
        self._on("sp_read_cells", path, sheet.encode(), byref(CCellRange(*cells)), byref(found))
        try:
            return values_of(found)
        finally:
            self._library.sp_cells_clear(byref(found))

    def write_cells(
        self, path: PathLike, sheet: str, at: Tuple[int, int], values: Sequence[Sequence[CellValue]]
    ) -> None:
        """Puts values into the cells from `at` (column, row) on, and leaves everything else as it is. Texts stay texts."""
        self._on("sp_write_cells", path, sheet.encode(), at[0], at[1], byref(cells_of(values)))

    def close(self) -> None:
        """No other call may be under way."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._library.sp_close(handle)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def connect() -> Client:
    """Connects to the broker of this run; raises BrokerGone outside a run."""
    library = load()
    handle = c_void_p()
    failure = CFailure()
    if library.sp_connect(byref(handle), byref(failure)) < 0:
        raise error_of(library, failure, None)
    assert handle.value is not None
    return Client(handle.value, library)

