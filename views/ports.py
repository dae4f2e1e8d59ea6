"""Ports that are opened before anything else: alone, or shared with others."""

import contextlib
import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path


BACKLOG_CONNECTIONS = 2_048
"""Connections that may wait to be accepted: a burst's first second."""
_HELD = "scrutin workers"
"""Begins the name of who holds a port."""


class AddressTaken(Exception):
    """A process cannot listen where it was told to; says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Open the port, any free one for 0; raise AddressTaken where that is not possible."""
    opened = bound(host, port)
    with _address(opened, host, port):
        opened.listen(BACKLOG_CONNECTIONS)
    return opened


def bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Take the port as `listen` does, and listen later; `shared` with others that share it.

    Raises AddressTaken where somebody listens, unless both share.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, the loop sends headers and body without waiting for each other
    # (it sets TCP_NODELAY only then); without it every kept connection waits 40 ms an answer.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    with _address(opened, host, port):
        opened.bind((host, port))
    return opened


@contextlib.contextmanager
def held(host: str, port: int) -> Iterator[int]:
    """Take the port for workers that will listen there; yield its number.

    Raises AddressTaken where somebody listens, or another process holds it so, at this address or
    at one that reaches into it (0.0.0.0 and 127.0.0.1). Two that only bind a port are told nothing
    of each other before anybody listens, and workers of both would share it. So who holds one has
    a name too, in the machine's abstract ones: they belong to the network that the port belongs
    to, and are gone with the process however it ends. Only Linux has them. Each looks for others
    once its own name stands, so that of two in the same moment both may be refused, never none.
    """
    with bound(host, port) as opened, contextlib.ExitStack() as named:
        address, found, *_ = opened.getsockname()
        if sys.platform == "linux":
            name = named.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            with _address(opened, host, found):
                name.bind(f"\0{_HELD} {address} {found}")
                if any(_overlap(address, other) for other in _holders(found)):
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        yield found


def _holders(port: int) -> Iterator[str]:
    """Name the addresses at which a port is held on this network."""
    for line in Path("/proc/net/unix").read_text("utf-8", "replace").splitlines():
        _, is_ours, place = line.partition(f" @{_HELD} ")
        address, _, held_port = place.partition(" ")
        if is_ours and held_port == str(port):
            yield address


def _overlap(one: str, other: str) -> bool:
    """Whether a request may come to both of two addresses; to the same one it is refused before."""
    first, second = map(ipaddress.ip_address, (one, other))
    if first == second:
        return False
    widest = [each for each in (first, second) if each.is_unspecified]
    return any(each.version == 6 or first.version == second.version for each in widest)


@contextlib.contextmanager
def _address(opened: socket.socket, host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        opened.close()
        raise AddressTaken(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another address or port "
            "(0 for any free one), of views by SCRUTIN_VIEWS_HOST and SCRUTIN_VIEWS_PORT, of a "
            "gateway by SCRUTIN_GATEWAY_HOST and SCRUTIN_GATEWAY_PORT"
        ) from error
