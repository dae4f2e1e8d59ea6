"""How ClickHouse stands, as far as the account that asks may see it. Blocking."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from clickhouse_connect.driver.client import Client

from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.here import room
from sinks.addresses import AddressRefused, checked, shown
from sinks.store import CLIENT_ERRORS, SERVER_VERSION_MIN, connect
from views.hosts import is_loopback


ANSWER_SECONDS = 5
"""Longest wait for one answer."""
_DISKS = "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0"
_TABLES = "SELECT count() FROM system.tables WHERE database = {database:String}"


def examined(url: str, database: str) -> Iterator[Answer]:
    """Ask ClickHouse."""
    try:
        parts = urlsplit(checked(url))
    except AddressRefused as error:
        yield bad("clickhouse.address", str(error), "Correct SCRUTIN_CLICKHOUSE_URL.")
        return
    yield _way(parts.scheme, parts.hostname or "")
    try:
        client = connect(url, "default", seconds=ANSWER_SECONDS, create=False)
    except CLIENT_ERRORS as error:
        yield bad("clickhouse.address", f"{shown(url)} does not answer us: {_first_line(error)}",
                  "Start it; compare address, user and password with the server's.")
        return
    try:
        yield from _asked(client, url, database)
    finally:
        client.close()


def _way(scheme: str, host: str) -> Answer:
    if scheme == "https":
        return good("clickhouse.way", "it is spoken to by TLS")
    if is_loopback(host):
        return good("clickhouse.way", "it is spoken to in clear, on this machine alone")
    return bad("clickhouse.way", "it is spoken to in clear, its password too",
               "Set SCRUTIN_CLICKHOUSE_URL to an https address.")


def _asked(client: Client, url: str, database: str) -> Iterator[Answer]:
    yield good("clickhouse.address", f"{shown(url)} answers")
    said = f"ClickHouse {client.server_version}"
    yield good("versions.clickhouse", said) if client.min_version(SERVER_VERSION_MIN) else bad(
        "versions.clickhouse", f"{said}: {SERVER_VERSION_MIN} or later is needed",
        "Upgrade the server.")
    for about, question in (("clickhouse.database", _database), ("clickhouse.disk", _disks)):
        try:
            yield from question(client, about, database)
        except CLIENT_ERRORS as error:
            yield unknown(about, f"it is not told: {_first_line(error)}",
                          "Ask with an account that may read system.tables and system.disks.")


def _database(client: Client, about: str, database: str) -> Iterator[Answer]:
    count = client.query(_TABLES, parameters={"database": database}).result_rows[0][0]
    yield good(about, f"{count} tables and views in {database}") if count else bad(
        about, f"{database} has no tables that this account can see",
        "scrutin archive makes them at its start; else grant this account to see them.")


def _disks(client: Client, about: str, _database: str) -> Iterator[Answer]:
    for name, free, total in client.query(_DISKS).result_rows:
        yield room(f"{about}.{name}", f"ClickHouse's disk {name}", int(free), int(total))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
