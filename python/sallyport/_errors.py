"""What the broker says no with. All are OSErrors: `errno`, `strerror` and `filename` are as everywhere."""

import errno as numbers
import os
from ctypes import byref
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple, Type

from ._library import CFailure


@dataclass(frozen=True)
class Denial:
    """Why something was refused. `path` is text for a person: never use it as a path."""

    op: str
    path: str
    rule: str
    reason: str
    next_steps: Tuple[str, ...]
    # None where the broker is of a version that does not say.
    layer: Optional[str] = None
    allowed_roots: Tuple[str, ...] = ()
    retryable: Optional[bool] = None
    retry_after_ms: Optional[int] = None


class BrokerError(OSError):
    """`code` is a failure code of docs/protocol.md, as "DENIED"."""

    code: str = ""
    denial: Optional[Denial] = None


class DeniedError(BrokerError, PermissionError):
    """A rule refused; `denial` is always there for the code "DENIED"."""


class NotFoundError(BrokerError, FileNotFoundError):
    pass


class ExistsError(BrokerError, FileExistsError):
    pass


class IsDirectoryError(BrokerError, IsADirectoryError):
    pass


class NotDirectoryError(BrokerError, NotADirectoryError):
    pass


class BusyError(BrokerError, BlockingIOError):
    """Too many requests wait."""


class TimedOutError(BrokerError, TimeoutError):
    pass


class BrokerGone(BrokerError, BrokenPipeError):
    """There is no broker, or no more. Whether the request was still carried out is not known."""


_BY_ERRNO: Dict[int, Type[BrokerError]] = {
    numbers.EACCES: DeniedError,
    numbers.EPERM: DeniedError,
    numbers.ENOENT: NotFoundError,
    numbers.EEXIST: ExistsError,
    numbers.EISDIR: IsDirectoryError,
    numbers.ENOTDIR: NotDirectoryError,
    numbers.EAGAIN: BusyError,
    numbers.ETIMEDOUT: TimedOutError,
}


def _denial(failure: CFailure) -> Optional[Denial]:
    if not failure.denial:
        return None
    said = failure.denial.contents
    return Denial(
        op=os.fsdecode(said.op),
        path=os.fsdecode(said.path),
        rule=os.fsdecode(said.rule),
        reason=os.fsdecode(said.reason),
        next_steps=tuple(said.next_steps.strings()),
        layer=None if said.layer is None else os.fsdecode(said.layer),
        allowed_roots=tuple(said.allowed_roots.strings()),
        retryable=None if said.retryable < 0 else bool(said.retryable),
        retry_after_ms=None if said.retry_after_ms < 0 else int(said.retry_after_ms),
    )


def error_of(library: Any, failure: CFailure, path: Optional[str]) -> BrokerError:
    """The exception for a failure, which is cleared."""
    code = library.sp_code_name(failure.code).decode()
    kind = BrokerGone if code == "GONE" else _BY_ERRNO.get(failure.error, BrokerError)
    error = kind(failure.error, os.fsdecode(failure.message or b""), path)
    error.code = code
    error.denial = _denial(failure)
    library.sp_failure_clear(byref(failure))
    return error
