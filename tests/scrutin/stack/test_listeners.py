"""Whatever the local stack listens on: this machine alone reaches it, and no web page does."""

import http.client
import json
import re
import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest

from scrutin.stack.plan import SERVERS, WORKERS
from tests.e2e.stack import Stack, stack


SECONDS = 10.0
EVIL: tuple[dict[str, str], ...] = (
    {"Host": "evil.example"}, {"Host": "evil.example", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Content-Type": "text/plain"},
)
"""A page whose name leads here, and pages of other sites that send what they may."""
WORKER_PATHS = ("/livez", "/readyz", "/status", "/metrics", "/")
OPERATORS_PATHS = ("/ops", "/ops/state", "/metrics")
# Any request of Kafka's protocol: ApiVersions, version 0, from a client without a name.
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class Listener(NamedTuple):
    process: str
    address: str
    port: int


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Stack]:
    """Run a whole stack, as `scrutin up` does."""
    with stack(tmp_path_factory.mktemp("stack"), cache_folder) as found:
        yield found


def _ports(running: Stack) -> dict[str, int]:
    """Return the ports that the stack has given out, by what listens there."""
    folder = Path(running.environment["SCRUTIN_DATA_DIR"])
    ports: dict[str, int] = json.loads((folder / "ports.json").read_text())
    return ports


def _listeners(running: Stack) -> set[Listener]:
    """Ask the kernel on what the processes of the stack listen, whatever they were told."""
    status = running.status()
    pids = {each["name"]: each["pid"] for each in status["processes"] if each["pid"]}
    pids["supervisor"] = status["supervisor_pid"]
    return {
        Listener(name, address, port)
        for name, pid in pids.items() for inode in _sockets(pid)
        for address, port in [_listening(pid).get(inode, ("", 0))] if port
    }


def _sockets(pid: int) -> set[str]:
    links = (link for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
    found = (re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())) for link in links)
    return {each[1] for each in found if each}


def _listening(pid: int) -> dict[str, tuple[str, int]]:
    """Read the kernel's tables of sockets: of TCP those that listen, of UDP all."""
    found = {}
    for protocol, listening in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == listening:
                found[fields[9]] = _address(address), int(port, 16)
    return found


def _address(written: str) -> str:
    """Read an address as the kernel writes it: words of 32 bits in this machine's order."""
    packed = b"".join(struct.pack("=I", int(written[at:at + 8], 16))
                      for at in range(0, len(written), 8))
    address = ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)


def test_the_stack_listens_on_the_loopback_interface_and_on_nothing_else(running: Stack) -> None:
    """Each process on the port it was given, none on another, all on 127.0.0.1."""
    found = _listeners(running)

    assert {listener.address for listener in found} == {"127.0.0.1"}
    assert {listener.port for listener in found} == set(_ports(running).values())
    assert {listener.process for listener in found} == {"kafka", "clickhouse", *WORKERS, *SERVERS}


def test_other_machines_reach_nothing(running: Stack) -> None:
    """Under its own address in the network this machine refuses the connection."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        outward.settimeout(SECONDS)
        # Sends nothing: it has the kernel choose the address by which others know this machine.
        outward.connect(("192.0.2.1", 9))
        address = outward.getsockname()[0]
    assert not ip_address(address).is_loopback

    for port in _ports(running).values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, port), SECONDS)


def _status(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    """Send a request as a browser would; return the status of the answer."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        body = b"SELECT 1" if method == "POST" else None
        asked.request(method, path, body=body, headers={"Host": f"127.0.0.1:{port}"} | headers)
        return asked.getresponse().status
    finally:
        asked.close()


def test_no_web_page_is_answered_by_what_is_not_made_for_people(running: Stack) -> None:
    """ClickHouse and the workers refuse all of it, whatever is asked for and however."""
    ports = _ports(running)
    asked = {("clickhouse", path) for path in ("/", "/ping", "/?query=SELECT%201")}
    asked |= {(f"{worker}_health", path) for worker in WORKERS for path in WORKER_PATHS}

    answered = {
        (name, path, method, *headers.items())
        for name, path in asked for method in ("GET", "POST", "OPTIONS") for headers in EVIL
        if _status(ports[name], method, path, headers) not in {403, 421}
    }

    assert answered == set()


def test_no_page_under_another_name_acts_for_the_operator(running: Stack) -> None:
    """Views and gateway are public; what they keep for this machine they keep from pages too."""
    ports = _ports(running)
    statuses = {
        (name, path): _status(ports[name], "GET", path, {"Host": "evil.example"})
        for name in SERVERS for path in OPERATORS_PATHS
    }

    assert not [place for place, status in statuses.items() if status < 300], statuses


@pytest.mark.parametrize("name", ["kafka", "kafka_controller"])
def test_no_web_page_speaks_to_the_broker(running: Stack, name: str) -> None:
    """A request begins with its method, which is no length that Kafka takes: it hangs up.

    The same bytes without the request before them are answered, so the attempt is a real one.
    """
    port = _ports(running)[name]
    request = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(API_VERSIONS)}\r\n\r\n").encode()

    assert _answer(port, request + API_VERSIONS) == b""
    assert _answer(port, request.replace(b"POST", b"GET") + API_VERSIONS) == b""
    assert _answer(port, b"\x16\x03\x01\x02\x00" + b"\x01" * 512) == b""
    assert _answer(port, API_VERSIONS)[4:8] == struct.pack(">i", 1)


def _answer(port: int, sent: bytes) -> bytes:
    """Return the first bytes that come back; none where the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(sent)
        try:
            return connection.recv(64)
        except ConnectionResetError:
            return b""


def test_what_the_stack_keeps_is_its_owner_s_alone(running: Stack) -> None:
    """The folder lets nobody in, and what holds a secret is closed also where it is copied."""
    folder = Path(running.environment["SCRUTIN_DATA_DIR"])
    secrets = [path for path in folder.rglob("*")
               if path.suffix == ".key" or path.name in {"password", "secret"}]

    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder / "clickhouse" / "password" in secrets
    assert [path for path in secrets if path.stat().st_mode & 0o077] == []
