"""Ports of the loopback interface: finding free ones, noticing taken ones, keeping ours.

Theory of operation: a process that is started again listens where it listened before, and while
it is down the kernel may give its port to somebody else. A socket that is bound there and never
listens keeps it: the kernel gives the port to nobody who asks for any, while a server that sets
SO_REUSEADDR, as ours, uvicorn's and Kafka's do, may listen beside it (Linux; elsewhere it could
not, and nothing is kept).
"""

import json
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self
from weakref import finalize

from deploy.local.errors import PortTakenError
from deploy.machine.files import write_atomically


LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # A server may listen on a port whose last connections still linger in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def find_free(count: int) -> list[int]:
    """Find `count` different free ports; all are held open until the last one is found."""
    with ExitStack() as held:
        ports = []
        for _ in range(count):
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind((LOOPBACK, 0))
            ports.append(int(probe.getsockname()[1]))
    return ports


class HeldPorts:
    """Ports that stay ours while the servers that use them are down.

    Until `close`, or until nobody knows this object any more.
    """

    def __init__(self) -> None:
        self._held = ExitStack()
        finalize(self, self._held.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self) -> int:
        """Find a free port and keep it."""
        return self._bound(0)

    def hold(self, port: int, purpose: str, remedy: str) -> None:
        """Keep a port; raise `PortTakenError`, as `require_free` does, if it is taken."""
        try:
            self._bound(port)
        except OSError as error:
            raise PortTakenError(port, purpose, remedy) from error

    def close(self) -> None:
        """Let all of them go."""
        self._held.close()

    def _bound(self, port: int) -> int:
        if sys.platform != "linux":
            return port or find_free(1)[0]
        held = self._held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((LOOPBACK, port))
        return int(held.getsockname()[1])


def require_free(port: int, purpose: str, remedy: str) -> None:
    """Raise `PortTakenError`, which names the port, its purpose and the remedy, if it is taken."""
    if not is_free(port):
        raise PortTakenError(port, purpose, remedy)


class PortBook:
    """Give every process of a stack a port, the same as in the last run where possible.

    Remembered ports are only a wish: one that somebody else took meanwhile is replaced. A port
    that was asked for explicitly is a promise: if it is taken, `PortTakenError` says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def assign(self, wanted: Mapping[str, int | None], held: HeldPorts) -> dict[str, int]:
        """Choose a port for each name, where None leaves the choice to us; hold and remember all.

        Raises `PortTakenError` where one that was asked for is taken.
        """
        remembered = self._read()
        chosen: dict[str, int] = {}
        for name, port in wanted.items():
            if port:
                require_free(port, name, "ask for another one, or for none to get a free one")
                chosen[name] = port
            elif (old := remembered.get(name)) and is_free(old):
                chosen[name] = old
        missing = [name for name in wanted if name not in chosen]
        chosen.update(zip(missing, find_free(len(missing)), strict=True))
        for name, port in chosen.items():
            held.hold(port, name, "start again")
        write_atomically(self._path, json.dumps(chosen, indent=2))
        return chosen

    def _read(self) -> dict[str, int]:
        try:
            return {
                str(name): int(port) for name, port in json.loads(self._path.read_text()).items()
            }
        except (FileNotFoundError, ValueError):
            return {}
