"""ClickHouse is spoken to as its URL says, whatever the port, and believed as settings say."""

import asyncio
import random
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.local.services import ClickHouse
from schemas.certificates import CertificateUnreadable
from scrutin.doctor import clickhouse as doctor
from scrutin.doctor.answers import Answer
from scrutin.settings import Settings
from sinks.addresses import AddressRefused, Trust, way
from sinks.store import CLIENT_ERRORS, NO_TRUST, connect
from tests.secured import Authority
from tests.sinks.proxy import proxied


TLS_RECORD = b"\x16"
"""First byte of whoever begins to speak TLS."""
STANDARD = {"http": 8123, "https": 8443}


@contextmanager
def first_word(port: int) -> Iterator[tuple[str, list[bytes]]]:
    """Listen on a port of this machine; keep the first byte that comes, and hang up."""
    host = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    heard: list[bytes] = []

    def listen() -> None:
        connection, _ = listening.accept()
        listening.close()  # Who tries again is refused.
        with connection:
            heard.append(connection.recv(1))

    with socket.create_server((host, port)) as listening:
        thread = threading.Thread(target=listen)
        thread.start()
        yield host, heard
        thread.join()


@pytest.mark.parametrize(("scheme", "port"), [
    ("https", 8123), ("https", 18444), ("https", 8443), ("http", 8443), ("http", 8123)])
def test_the_scheme_says_how_it_is_spoken_to_whatever_the_port(scheme: str, port: int) -> None:
    """Seen on the wire: https begins with TLS, so no password goes in clear; http with a word."""
    with first_word(port) as (host, heard), pytest.raises(CLIENT_ERRORS):
        connect(f"{scheme}://archive:hidden-word@{host}:{port}", "default", create=False)

    assert (heard == [TLS_RECORD]) == (scheme == "https")


@pytest.mark.parametrize("scheme", STANDARD)
def test_a_url_without_a_port_means_that_of_its_scheme(scheme: str) -> None:
    """As ClickHouse's own programs take it."""
    with first_word(STANDARD[scheme]) as (host, heard), pytest.raises(CLIENT_ERRORS):
        connect(f"{scheme}://{host}", "default", create=False)

    assert (heard == [TLS_RECORD]) == (scheme == "https")


@pytest.mark.parametrize("scheme", STANDARD)
def test_no_proxy_of_the_environment_is_asked(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would hear user and password by http, and every question: nobody connects to it."""
    with (socket.create_server(("127.0.0.1", 0)) as proxy,
          socket.create_server(("127.0.0.1", 0)) as server):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(CLIENT_ERRORS):
            connect(f"{scheme}://archive:hidden-word@127.0.0.1:{server.getsockname()[1]}",
                    "default", create=False, seconds=1)
        asked = [bool(select.select([each], [], [], 0)[0]) for each in (server, proxy)]

    assert asked == [True, False]


class Door:
    """Certificates of a server that asks for one too, and of who is let in."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority.made()
        self.authorities = _kept(folder / "authorities.pem", self.authority.pem())
        self.mine = _kept(folder / "mine.pem", self.authority.signed("archive"))
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.authorities)
        self.context.load_cert_chain(
            _kept(folder / "server.pem", self.authority.signed("clickhouse")))

    @property
    def asking(self) -> ssl.SSLContext:
        """Ask for a certificate from now on."""
        self.context.verify_mode = ssl.CERT_REQUIRED
        return self.context


def _kept(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def answer(url: str, trust: Trust) -> str:
    """Ask for something; return the answer, or in one line why there is none."""
    try:
        with connect(url, "default", create=False, trust=trust) as client:
            return str(client.query("SELECT 'answered'").result_rows[0][0])
    except CLIENT_ERRORS as error:
        return f"{error!r} {error.__cause__!r} {error.__context__!r}"


async def test_it_is_believed_on_the_word_of_the_authorities_that_are_named(
    clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """With them it answers over a real TLS port; without, or under another name, it is refused."""
    door = Door(tmp_path)
    async with proxied(clickhouse.url, door.context) as proxy:
        trust = Trust(door.authorities)
        believed = await asyncio.to_thread(answer, proxy.url, trust)
        strange = await asyncio.to_thread(answer, proxy.url, NO_TRUST)
        misnamed = await asyncio.to_thread(
            answer, proxy.url.replace("127.0.0.1", "localhost"), trust)

    assert believed == "answered"
    assert "CERTIFICATE_VERIFY_FAILED" in strange
    assert "mismatch" in misnamed
    assert clickhouse.configuration.password not in strange + misnamed


async def test_a_server_that_asks_for_a_certificate_gets_ours(
    clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """And the password beside it; without the certificate nobody comes in."""
    door = Door(tmp_path)
    async with proxied(clickhouse.url, door.asking) as proxy:
        shown = await asyncio.to_thread(answer, proxy.url, Trust(door.authorities, door.mine))
        none = await asyncio.to_thread(answer, proxy.url, Trust(door.authorities))

    assert shown == "answered"
    assert "answered" not in none


def diagnosed(url: str, trust: Trust) -> dict[str, Answer]:
    return {each.about: each for each in doctor.examined(url, "default", trust)}


async def test_the_doctor_says_how_clickhouse_is_spoken_to(
    clickhouse: ClickHouse, tmp_path: Path
) -> None:
    """By TLS, whose certificate is looked at; one that is not believed is bad."""
    door = Door(tmp_path)
    async with proxied(clickhouse.url, door.context) as proxy:
        known, strange = [
            await asyncio.to_thread(diagnosed, proxy.url, trust)
            for trust in (Trust(door.authorities), NO_TRUST)]

    assert {name: known[name].state for name in ("clickhouse.way", "clickhouse.address")} == {
        "clickhouse.way": "good", "clickhouse.address": "good"}
    assert "ends" in known["clickhouse.certificate"].said, "it is of a day"
    assert "not believed" in strange["clickhouse.certificate"].said
    assert strange["clickhouse.address"].state == "bad"


def test_certificates_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    """Before anything is asked: a file that is missing would else look like a server away."""
    gone = tmp_path / "gone.pem"
    with pytest.raises(CertificateUnreadable, match=f"ClickHouse.*{gone}"):
        connect("https://127.0.0.1:1", "default", trust=Trust(gone))


@pytest.mark.parametrize("url", [
    "http://archive:hidden-word@127.0.0.1:8443", "https://archive:hidden-word@host:1?verify=false",
    "https://archive:hidden-word@host:1/#x", "clickhouse://archive:hidden-word@host:9000",
    "//archive:hidden-word@host:9000"])
def test_what_would_be_spoken_in_clear_or_believed_unseen_is_refused(url: str) -> None:
    """Certificates for http, a way not to look at them, another protocol; nothing is repeated."""
    with pytest.raises(AddressRefused) as caught:
        way(url, Trust(Path("authorities.pem")))

    assert "hidden-word" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_certificate_without_a_password_is_who_we_are() -> None:
    """Where there is a password both are asked for."""
    trust = Trust(certificate=Path("mine.pem"), private_key=Path("mine.key"))

    assert way("https://archive@host", trust)["tls_mode"] == "mutual"
    assert way("https://archive:word@host", trust)["tls_mode"] == "strict"


def test_settings_of_another_server_are_not_for_the_local_stack(tmp_path: Path) -> None:
    """Its ClickHouse listens on this machine alone, and has no certificate."""
    authorities = tmp_path / "authorities.pem"

    assert Settings(clickhouse_ca=authorities).clickhouse_trust == NO_TRUST
    assert Settings(
        clickhouse_url="https://host", clickhouse_ca=authorities).clickhouse_trust != NO_TRUST
    assert issubclass(ClickHouseError, CLIENT_ERRORS)
