"""Asks one broker who leads a topic, over a plain socket: no client asks another one instead."""

import socket
import struct
from io import BytesIO
from typing import NamedTuple

from aiokafka.protocol.metadata import MetadataResponse_v1


METADATA = 3, 1
"""Key and version of the question."""
ANSWER_SECONDS = 1.0
CLIENT = b"scrutin-leaders"


class Led(NamedTuple):
    """What a broker knows of a partition."""

    leader: int
    """A broker's number; -1: nobody."""
    in_sync: frozenset[int]


def leaders(host: str, port: int, topic: str) -> dict[int, Led]:
    """Return what a broker knows of each partition; nothing where it does not answer."""
    name = topic.encode()
    question = struct.pack(
        f">hhih{len(CLIENT)}sih{len(name)}s", *METADATA, 1, len(CLIENT), CLIENT, 1, len(name), name)
    try:
        with socket.create_connection((host, port), ANSWER_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(question)) + question)
            with connection.makefile("rb") as file:
                (size,) = struct.unpack(">i", file.read(4))
                answer = MetadataResponse_v1.decode(BytesIO(file.read(size)[4:]))
    except (OSError, struct.error):
        return {}
    return {partition: Led(leader, frozenset(in_sync))
            for _, _, _, partitions in answer.topics
            for _, partition, leader, _, in_sync in partitions}
