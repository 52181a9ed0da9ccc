"""The C library and what its functions take (native/shim/include/sallyport.h)."""

import ctypes
import os
import threading
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint16, c_uint32, c_void_p
from pathlib import Path
from typing import Any, List, Optional, Union

NAME = "libsallyport.so"


class Texts(ctypes.Structure):
    _fields_ = [("entries", POINTER(c_char_p)), ("count", c_size_t)]

    def strings(self) -> List[str]:
        return [os.fsdecode(self.entries[at] or b"") for at in range(self.count)]


class CDenial(ctypes.Structure):
    _fields_ = [
        ("op", c_char_p),
        ("path", c_char_p),
        ("rule", c_char_p),
        ("reason", c_char_p),
        ("next_steps", Texts),
        ("layer", c_char_p),
        ("allowed_roots", Texts),
        ("retryable", c_int),
        ("retry_after_ms", c_int64),
    ]


class CFailure(ctypes.Structure):
    _fields_ = [
        ("code", c_int),
        ("error", c_int),
        ("message", c_char_p),
        ("denial", POINTER(CDenial)),
        ("storage", c_void_p),
    ]


class CStatus(ctypes.Structure):
    _fields_ = [
        ("kind", c_int),
        ("mode", c_uint32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("size_bytes", c_int64),
        ("link_count", c_uint32),
        ("modified_ms", c_double),
        ("inode", c_double),
        ("device", c_double),
    ]


class CNames(ctypes.Structure):
    _fields_ = [("names", Texts), ("storage", c_void_p)]


class CChallenge(ctypes.Structure):
    _fields_ = [("nonce", c_char * 256), ("channel", c_char * 256), ("audience", c_char * 256)]


class CCellRange(ctypes.Structure):
    _fields_ = [("from_column", c_uint32), ("from_row", c_uint32), ("to_column", c_uint32), ("to_row", c_uint32)]


class CCellValue(ctypes.Union):
    _fields_ = [("number", c_double), ("text", c_char_p), ("boolean", c_int)]


class CCell(ctypes.Structure):
    _fields_ = [("kind", c_int), ("value", CCellValue)]


class CCells(ctypes.Structure):
    _fields_ = [("entries", POINTER(CCell)), ("columns", c_uint32), ("rows", c_uint32), ("storage", c_void_p)]


class CTransaction(ctypes.Structure):
    _fields_ = [("fd", c_int), ("number", c_uint32), ("path", c_void_p)]


class CTimespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


_FAILURE = POINTER(CFailure)

# Arguments between the client and the failure; each function gives an int.
_CALLS = {
    "sp_open": (c_char_p, c_uint32, c_uint32),
    "sp_open_linux": (c_char_p, c_int, c_uint32),
    "sp_stat": (c_char_p, c_int, POINTER(CStatus)),
    "sp_list": (c_char_p, POINTER(CNames)),
    "sp_mkdir": (c_char_p, c_uint32),
    "sp_mknod": (c_char_p, c_int, c_uint32),
    "sp_unlink": (c_char_p, c_int),
    "sp_rename": (c_char_p, c_char_p, c_int),
    "sp_link": (c_char_p, c_char_p, c_int),
    "sp_symlink": (c_char_p, c_char_p),
    "sp_chmod": (c_char_p, c_uint32, c_int),
    "sp_chown": (c_char_p, c_uint32, c_uint32, c_int),
    "sp_utimens": (c_char_p, POINTER(CTimespec), c_int),
    "sp_truncate": (c_char_p, c_int64),
    "sp_setxattr": (c_char_p, c_char_p, c_char_p, c_size_t, c_int, c_int),
    "sp_removexattr": (c_char_p, c_char_p, c_int),
    "sp_exec": (c_char_p, POINTER(c_char_p), POINTER(c_char_p), c_char_p, POINTER(c_int), c_size_t),
    "sp_exec_with": (
        c_int64,
        c_char_p,
        POINTER(c_char_p),
        POINTER(c_char_p),
        c_char_p,
        POINTER(c_int),
        c_size_t,
    ),
    "sp_challenge": (POINTER(CChallenge),),
    "sp_present": (c_char_p, c_char_p, POINTER(c_int64)),
    "sp_read_cells": (c_char_p, c_char_p, POINTER(CCellRange), POINTER(CCells)),
    "sp_write_cells": (c_char_p, c_char_p, c_uint32, c_uint32, POINTER(CCells)),
    "sp_begin": (c_char_p, c_uint32, POINTER(CTransaction)),
    "sp_commit": (POINTER(CTransaction),),
    "sp_discard": (POINTER(CTransaction),),
    "sp_socket_connect": (c_char_p, c_uint16),
    "sp_socket_listen": (c_uint16,),
    "sp_resolve": (c_char_p, POINTER(CNames)),
    "sp_kill": (c_int, c_int),
}

_lock = threading.Lock()
_loaded: Optional[ctypes.CDLL] = None


def _declare(library: ctypes.CDLL) -> None:
    library.sp_connect.argtypes = [POINTER(c_void_p), _FAILURE]
    library.sp_close.argtypes = [c_void_p]
    library.sp_close.restype = None
    for name in ("sp_run_id", "sp_profile_name"):
        getattr(library, name).argtypes = [c_void_p]
        getattr(library, name).restype = c_char_p
    library.sp_code_name.argtypes = [c_int]
    library.sp_code_name.restype = c_char_p
    library.sp_failure_clear.argtypes = [_FAILURE]
    library.sp_failure_clear.restype = None
    library.sp_names_clear.argtypes = [POINTER(CNames)]
    library.sp_names_clear.restype = None
    library.sp_cells_clear.argtypes = [POINTER(CCells)]
    library.sp_cells_clear.restype = None
    for name, between in _CALLS.items():
        getattr(library, name).argtypes = [c_void_p, *between, _FAILURE]


def _places() -> List[Path]:
    here = Path(__file__).resolve().parent
    # Beside this file in an installed package; in a checkout where `npm run build` puts it.
    return [here / NAME, here.parents[1] / "build" / "Release" / NAME]


def load(path: Optional[Union[str, "os.PathLike[str]"]] = None) -> Any:
    """Loads the C library from `path`, or from where it was built; once for the process.

    No environment variable has a say: the library that is loaded holds the process's channel to its broker.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            chosen = [Path(path)] if path is not None else [place for place in _places() if place.exists()]
            if not chosen:
                raise ImportError(f"cannot find {NAME}: build it with `npm run build`, or name it with sallyport.load(path)")
            library = ctypes.CDLL(str(chosen[0].absolute()))
            _declare(library)
            _loaded = library
        return _loaded


__all__ = ["CCell", "CCellRange", "CCells", "CChallenge", "CDenial", "CFailure", "CNames", "CStatus", "CTimespec", "CTransaction", "Texts", "load"]
