"""What the operations give."""

from dataclasses import dataclass
from typing import Tuple, Union

#: A cell of a workbook: empty, a number, a text or a truth.
CellValue = Union[None, float, str, bool]

KINDS: Tuple[str, ...] = ("file", "directory", "symlink", "fifo", "socket", "device")


@dataclass(frozen=True)
class Challenge:
    """What a proof of possession is to be made for."""

    nonce: str
    channel: str
    audience: str


@dataclass(frozen=True)
class Stat:
    """A file as the broker sees it. `modified_ms`, `inode` and `device` are as exact as a float is."""

    kind: str
    mode: int
    uid: int
    gid: int
    size_bytes: int
    link_count: int
    modified_ms: float
    inode: float
    device: float

    @property
    def is_file(self) -> bool:
        return self.kind == "file"

    @property
    def is_directory(self) -> bool:
        return self.kind == "directory"
