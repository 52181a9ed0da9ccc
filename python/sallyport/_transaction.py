"""A write of a whole file that nobody sees before it is committed."""

import io
import os
from ctypes import byref
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Optional, Type

from ._library import CTransaction

if TYPE_CHECKING:
    from ._client import Client


class Transaction:
    """`file` is empty at the beginning. Leaving the `with` block commits, an exception discards."""

    def __init__(self, client: "Client", begun: CTransaction, path: str, mode: str, **how: Any) -> None:
        self._client = client
        self._begun = begun
        self._path = path
        # The object closes a copy: what the library was given is closed by the library.
        copy = os.dup(begun.fd)
        os.close(begun.fd)
        begun.fd = -1
        self.file: IO[Any] = io.open(copy, mode, **how)

    @property
    def is_open(self) -> bool:
        return bool(self._begun.path)

    def commit(self) -> None:
        """Closes the file and puts it in its place. EBUSY: a copy of its descriptor is open elsewhere; it may be tried again."""
        self.file.close()
        self._client._call("sp_commit", self._path, byref(self._begun))

    def discard(self) -> None:
        """Drops what was written; nothing where it is over already."""
        self.file.close()
        if self.is_open:
            self._client._call("sp_discard", self._path, byref(self._begun))

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if not self.is_open:
            return
        if kind is not None:
            self.discard()
            return
        try:
            self.commit()
        except OSError:
            if self.is_open:
                self.discard()
            raise
