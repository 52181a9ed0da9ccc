"""Asks the broker of a Sallyport run, from inside it.

What the broker opens comes back as an ordinary file object. What it refuses is a PermissionError with `.denial`: the rule, the
reason, and what would allow it. See docs/shims-c-and-python.md.
"""

from ._client import Client, connect
from ._errors import (
    BrokerError,
    BrokerGone,
    BusyError,
    Denial,
    DeniedError,
    ExistsError,
    NotFoundError,
    TimedOutError,
)
from ._library import load
from ._transaction import Transaction
from ._values import CellValue, Challenge, Stat

__all__ = [
    "BrokerError",
    "BrokerGone",
    "BusyError",
    "CellValue",
    "Challenge",
    "Client",
    "Denial",
    "DeniedError",
    "ExistsError",
    "NotFoundError",
    "Stat",
    "TimedOutError",
    "Transaction",
    "connect",
    "load",
]
