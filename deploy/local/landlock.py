"""The kernel's wall around this process: Linux' Landlock (landlock(7)), by three system calls.

Theory of operation: a ruleset names every access that it governs, of files and of TCP; rules give
some back, beneath a folder each. Once a thread restricts itself, it and whatever it starts keep
the wall for ever: nothing in the process can take it down, and nobody needs to be root. Threads
that ran before are not behind it: restrict first, then import what starts threads. Kernels know
more accesses the newer they are; those a kernel does not know cannot be governed and are left out.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path


_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""The system calls' numbers, the same on every architecture."""
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_EXECUTE, _WRITE_FILE, _REFER, _TRUNCATE = 1 << 0, 1 << 1, 1 << 13, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_IOCTL_DEVICE = 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_AND_MAKE
"""Accesses of files that the first version knows."""
_FILES_SINCE = {2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEVICE}
_TCP_SINCE = 4
_BIND_AND_CONNECT_TCP = 1 << 0 | 1 << 1
_ON_FILES_ALONE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
"""Accesses that a rule on a file may give; all others are of folders."""

_LIBC = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of Landlock that this kernel has; 0: none."""
    found = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(0, int(found))


def confine(*, readable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Leave this thread, and all it starts, these folders and files; no program, no TCP connection.

    Sockets that are open stay. False where the kernel has no Landlock: then nothing was done.
    Paths that do not exist are left out. Raises OSError where the kernel refuses.
    """
    known = version()
    if not known:
        return False
    governed = _OF_FILES | sum(bit for since, bit in _FILES_SINCE.items() if since <= known)
    tcp = _BIND_AND_CONNECT_TCP if known >= _TCP_SINCE else 0
    attributes = struct.pack("QQ", governed, tcp) if tcp else struct.pack("Q", governed)
    ruleset = _called(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)),
                      ctypes.c_uint32(0))
    try:
        for path in readable:
            _give(ruleset, path, _READ_FILE | _READ_DIR)
        for path in writable:
            _give(ruleset, path, governed & ~_EXECUTE & ~_IOCTL_DEVICE)
        # Without it a program with more rights than ours could be started: the kernel asks for it.
        if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise _failed()
        _called(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True


def _give(ruleset: int, path: Path, access: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        allowed = access if path.is_dir() else access & _ON_FILES_ALONE
        rule = struct.pack("=Qi", allowed, opened)
        _called(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule,
                ctypes.c_uint32(0))
    finally:
        os.close(opened)


def _called(number: int, *arguments: object) -> int:
    result = int(_LIBC.syscall(number, *arguments))
    if result < 0:
        raise _failed()
    return result


def _failed() -> OSError:
    number = ctypes.get_errno() or errno.EPERM
    return OSError(number, f"Landlock: {os.strerror(number)}")
