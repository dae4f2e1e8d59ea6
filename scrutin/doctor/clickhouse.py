"""How ClickHouse stands, as far as the account that asks may see it. Blocking."""

import datetime as dt
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from clickhouse_connect.driver.client import Client

from schemas.certificates import CertificateUnreadable, client_context
from scrutin.doctor.answers import Answer, bad, good, unknown
from scrutin.doctor.here import lasting, room
from sinks.addresses import AddressRefused, Trust, shown, way
from sinks.store import CLIENT_ERRORS, SERVER_VERSION_MIN, connect
from views.hosts import is_loopback


ANSWER_SECONDS = 5
"""Longest wait for one answer."""
TLS_PORT = 8443
"""Where an https address without a port is."""
START = ("Start it, or set SCRUTIN_CLICKHOUSE_URL to where it listens: https to its https_port, "
         "http to its http_port.")
_REFUSED = "AUTHENTICATION_FAILED"
_CAUSE = re.compile(r"\[Errno -?\d+\] [\w ]+|\[SSL[^\]]*\][\w ]*")
"""What the client's long word on a failed connection comes to."""
_DISKS = "SELECT name, free_space, total_space FROM system.disks WHERE total_space > 0"
_TABLES = "SELECT count() FROM system.tables WHERE database = {database:String}"


def examined(url: str, database: str, trust: Trust) -> Iterator[Answer]:
    """Ask ClickHouse."""
    try:
        way(url, trust)
        context = client_context(
            "ClickHouse", trust.authorities, trust.certificate, trust.private_key)
    except (AddressRefused, CertificateUnreadable) as error:
        yield bad("clickhouse.address", str(error), "Correct what is named; docs/operate.md, A "
                  "locked pipe.")
        return
    parts = urlsplit(url)
    yield _way(parts.scheme, parts.hostname or "")
    if parts.scheme == "https":
        yield from _certificate(parts, context)
    try:
        client = connect(url, "default", seconds=ANSWER_SECONDS, create=False, trust=trust)
    except CLIENT_ERRORS as error:
        yield _unanswered(url, _first_line(error))
        return
    try:
        yield from _asked(client, url, database)
    finally:
        client.close()


def _unanswered(url: str, reason: str) -> Answer:
    """Tell a server that refuses us from one that is not there."""
    about, cause = "clickhouse.address", _CAUSE.search(reason)
    if _REFUSED in reason:
        return bad(about, f"{shown(url)} answers, and refuses user and password",
                   "Set both in SCRUTIN_CLICKHOUSE_URL to the server's, special characters as %40 "
                   "and so on; its log says which was wrong.")
    return bad(about, f"{shown(url)} does not answer us: {cause[0] if cause else reason}", START)


def _way(scheme: str, host: str) -> Answer:
    about = "clickhouse.way"
    if scheme == "https":
        return good(about, "it is spoken to by TLS")
    if is_loopback(host):
        return good(about, "it is spoken to in clear, on this machine alone")
    return bad(about, "it is spoken to in clear, its password too",
               "Set SCRUTIN_CLICKHOUSE_URL to an https address.")


def _certificate(parts: SplitResult, context: ssl.SSLContext) -> Iterator[Answer]:
    """Look at the server's certificate; who takes no connection is told of by `address`."""
    host, port = parts.hostname or "", parts.port or TLS_PORT
    try:
        with (socket.create_connection((host, port), timeout=ANSWER_SECONDS) as raw,
              context.wrap_socket(raw, server_hostname=host) as opened):
            found = opened.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        yield bad("clickhouse.certificate", f"{host}:{port} is not believed: "
                  f"{error.verify_message}", "Set SCRUTIN_CLICKHOUSE_CA to who signed its "
                  "certificate; the name in it must be the one that is connected to.")
    except OSError:
        return
    else:
        yield lasting("clickhouse.certificate", f"the certificate of {host}:{port}",
                      dt.datetime.fromtimestamp(
                          ssl.cert_time_to_seconds(str(found["notAfter"])), dt.UTC))


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
