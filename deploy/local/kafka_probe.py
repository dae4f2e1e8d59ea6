"""Ask a broker who is in the cluster: readiness by a real answer, not by an open port.

One Metadata request (version 1, which every Kafka since 0.10 speaks) over a plain socket: no
client library, no event loop, so that tests, supervisor and fixtures share it.
"""

import socket
import struct
from dataclasses import dataclass


METADATA_API_KEY = 3
METADATA_API_VERSION = 1
# One local answer takes milliseconds; a broker that needs longer is not ready yet.
PROBE_TIMEOUT_SECONDS = 2.0
# A sane answer of one broker is tiny; anything larger is not Kafka speaking.
ANSWER_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True)
class BrokerAddress:
    node: int
    host: str
    port: int


def describe_brokers(
    host: str, port: int, timeout_seconds: float = PROBE_TIMEOUT_SECONDS
) -> list[BrokerAddress]:
    """List the brokers the one at `host:port` knows to be alive; empty if it does not answer.

    In KRaft a broker is listed only once the controller has unfenced it: from then on topics can
    be created and written.
    """
    try:
        with socket.create_connection((host, port), timeout_seconds) as connection:
            connection.sendall(_request())
            (size,) = struct.unpack(">i", _read(connection, 4))
            if not 0 < size <= ANSWER_BYTES_MAX:
                return []
            return _parse(_read(connection, size))
    except (OSError, struct.error, UnicodeDecodeError):
        return []


def _request() -> bytes:
    client = b"scrutin-probe"
    header = struct.pack(">hhih", METADATA_API_KEY, METADATA_API_VERSION, 1, len(client)) + client
    no_topics = struct.pack(">i", 0)
    return struct.pack(">i", len(header) + len(no_topics)) + header + no_topics


def _read(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionError("the broker closed the connection")
        parts += part
    return bytes(parts)


def _parse(answer: bytes) -> list[BrokerAddress]:
    _correlation, count = struct.unpack_from(">ii", answer)
    position, brokers = 8, []
    for _ in range(count):
        node, host_size = struct.unpack_from(">ih", answer, position)
        position += 6
        host = answer[position : position + host_size].decode()
        position += host_size
        port, rack_size = struct.unpack_from(">ih", answer, position)
        position += 6 + max(rack_size, 0)
        brokers.append(BrokerAddress(node, host, port))
    return brokers
