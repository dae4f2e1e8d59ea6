"""What has come of requests that are not whole yet: bounded in bytes for all connections together.

Each has bounds of its own, in bytes and in time; thousands of them at once would still take most
of a gigabyte. So they stand in a line, in the order in which they began, and past UNFINISHED_BYTES
whoever began first is cut: a request that a person sends is whole within a second. One that comes
in a single piece, as a vote does, never stands here; a new connection does until its first request
is whole, for whoever holds many and says nothing takes places of others.
"""

from collections import OrderedDict

from scrutin.serving.untaken import Connection


UNFINISHED_BYTES = 64 << 20
"""Of all requests that are not whole: two thousand forms with a receipt on their way."""


class Unfinished:
    """The line of one server."""

    def __init__(self) -> None:
        self._line: OrderedDict[Connection, int] = OrderedDict()
        self._bytes = 0

    def came(self, connection: Connection, size: int) -> None:
        """Note what came on a connection, and that it is not a whole request."""
        self._line[connection] = self._line.get(connection, 0) + size
        self._bytes += size
        while self._bytes > UNFINISHED_BYTES:
            self._cut(next(iter(self._line)))

    def cut_first(self, *, but: Connection) -> bool:
        """Cut whoever began first, but one; false where there is nobody else."""
        first = next((each for each in self._line if each is not but), None)
        if first is None:
            return False
        self._cut(first)
        return True

    def whole(self, connection: Connection) -> None:
        """Forget a connection whose request is whole, or that is closed."""
        self._bytes -= self._line.pop(connection, 0)

    def _cut(self, connection: Connection) -> None:
        self.whole(connection)
        connection.abort()
