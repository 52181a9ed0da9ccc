"""The Python package in the conformance suite: makes the calls of a script (driver.h says how it is written)."""

import json
import os
import sys
from pathlib import Path
from urllib.parse import unquote

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))

import sallyport  # noqa: E402
from ctypes import byref  # noqa: E402

from sallyport._library import CTransaction  # noqa: E402

EXISTING = ("replace", "refuse", "exchange")
XATTR_EXISTING = ("any", "create", "replace")


def follows(word):
    return {"follow_symlinks": word == "0"}


def texts(field):
    count, _, rest = field.partition(":")
    return [unquote(entry) for entry in rest.split(",")] if int(count) else []


def when(field):
    return field if field in ("now", "keep") else int(field)


def handed(fd):
    os.close(fd)
    return None, True


def opened(client, path, flags, mode):
    # The flags of the wire, which have no place in a mode of open().
    return handed(client._on("sp_open", path, int(flags), int(mode)))


def begun(client, path, mode):
    transaction = CTransaction()
    client._on("sp_begin", path, int(mode), byref(transaction))
    os.close(transaction.fd)
    return {"transaction": transaction.number}, True


def ended(name):
    def end(client, path, number):
        kept = os.fsencode(path)
        libc = __import__("ctypes").CDLL(None)
        libc.strdup.restype = __import__("ctypes").c_void_p
        transaction = CTransaction(fd=-1, number=int(number), path=libc.strdup(kept))
        client._call(name, path, byref(transaction))

    return end


def stat(client, path, follow):
    found = client.stat(path, **follows(follow))
    names = ("kind", "mode", "uid", "gid", "size_bytes", "link_count", "modified_ms", "inode", "device")
    camel = ("kind", "mode", "uid", "gid", "sizeBytes", "linkCount", "modifiedMs", "inode", "device")
    return {to: getattr(found, name) for name, to in zip(names, camel)}, False


def executed(client, path, argv, env, cwd, handle="-1"):
    variables = [entry.partition("=") for entry in texts(env)]
    names = [name for name, _, _ in variables]
    if len(set(names)) == len(names):
        given = {name: value for name, _, value in variables}
        return {"pid": client.exec(path, texts(argv), env=given, cwd=unquote(cwd), handle=int(handle))}, False
    # A mapping can not say a variable twice.
    from sallyport._client import _strings

    assert handle == "-1"
    arguments = (_strings(texts(argv)), _strings(texts(env)), os.fsencode(unquote(cwd)), None, 0)
    return {"pid": client._on("sp_exec", path, *arguments)}, False


def challenged(client):
    parts = client.challenge()
    return {"nonce": parts.nonce, "channel": parts.channel, "audience": parts.audience}, False


def numbers(field):
    return tuple(int(entry) for entry in texts(field))


def cell(text):
    kind, value = text[0], unquote(text[1:])
    return float(value) if kind == "n" else {"e": None, "s": value, "b": value == "1"}[kind]


CALLS = {
    "challenge": challenged,
    "present": lambda c, token, proof: ({"handle": c.present(token, unquote(proof) or None)}, False),
    "read-cells": lambda c, path, sheet, ends: ({"cells": c.read_cells(path, unquote(sheet), numbers(ends))}, False),
    "write-cells": lambda c, path, sheet, at, values: c.write_cells(
        path, unquote(sheet), numbers(at), [[cell(one) for one in row.split(",")] for row in values.split(";")]
    ),
    "open": opened,
    "stat": stat,
    "list": lambda c, path: (c.listdir(path), False),
    "mkdir": lambda c, path, mode: c.mkdir(path, int(mode)),
    "mknod": lambda c, path, kind, mode: c.mknod(path, int(mode)) if kind == "0" else c.mkfifo(path, int(mode)),
    "unlink": lambda c, path, kind: c.unlink(path) if kind == "0" else c.rmdir(path),
    "rename": lambda c, source, target, word: c.rename(source, unquote(target), existing=EXISTING[int(word)]),
    "link": lambda c, source, target, follow: c.link(source, unquote(target), **follows(follow)),
    "symlink": lambda c, target, path: c.symlink(target, unquote(path)),
    "chmod": lambda c, path, mode, follow: c.chmod(path, int(mode), **follows(follow)),
    "chown": lambda c, path, uid, gid, follow: c.chown(path, int(uid), int(gid), **follows(follow)),
    "utimens": lambda c, path, a, m, follow: c.utime(path, when(a), when(m), **follows(follow)),
    "truncate": lambda c, path, size: c.truncate(path, int(size)),
    "setxattr": lambda c, path, name, value, word, follow: c.setxattr(
        path, unquote(name), bytes.fromhex(value), existing=XATTR_EXISTING[int(word)], **follows(follow)
    ),
    "removexattr": lambda c, path, name, follow: c.removexattr(path, unquote(name), **follows(follow)),
    "exec": executed,
    "begin": begun,
    "commit": ended("sp_commit"),
    "discard": ended("sp_discard"),
    "connect": lambda c, host, port: handed(c._call("sp_socket_connect", None, os.fsencode(host), int(port))),
    "bind": lambda c, port: handed(c._call("sp_socket_listen", None, int(port))),
    "resolve": lambda c, host: (c.resolve(host), False),
    "kill": lambda c, pid, signal: c.kill(int(pid), int(signal)),
}


def denial_of(denial):
    if denial is None:
        return None
    said = {
        "op": denial.op,
        "path": denial.path,
        "rule": denial.rule,
        "reason": denial.reason,
        "nextSteps": list(denial.next_steps),
    }
    if denial.layer is not None:
        said.update(
            layer=denial.layer,
            allowedRoots=list(denial.allowed_roots),
            retry="later" if denial.retryable else "never",
            retryAfterMs=denial.retry_after_ms,
        )
    return said


def make(line):
    op, *fields = line.split("\t")
    try:
        with sallyport.connect() as client:
            made = CALLS[op](client, *[unquote(field) for field in fields[:1]], *fields[1:])
            value, descriptor = made if made is not None else (None, False)
            return {"ok": True, "value": value, "descriptor": descriptor}
    except sallyport.BrokerError as error:
        return {
            "ok": False,
            "code": error.code,
            "errno": error.errno,
            "message": error.strerror,
            "denial": denial_of(error.denial),
        }


for line in sys.stdin:
    print(json.dumps(make(line.rstrip("\n"))), flush=True)
