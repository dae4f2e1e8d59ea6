"""What the commands about keys share: where keys lie, their kinds, and what can go wrong."""

import contextlib
from collections.abc import Iterator
from enum import StrEnum

from producers.errors import Missing
from producers.gateway.keys import KeysUnusable
from schemas.private_files import KeyRefused
from scrutin import addresses
from scrutin.keys.rotation import Place
from scrutin.settings import load
from sinks.faults import TreeRefused


class Kind(StrEnum):
    """What a key signs."""

    DEVICE = "device"
    VIEW = "view"
    RECEIPT = "receipt"
    LOG = "log"


def place() -> Place:
    """Name the folders of keys that the settings choose."""
    settings = load()
    return Place(
        addresses.keys_folder(settings), addresses.log_keys_folder(settings),
        addresses.transparency_folder(settings), addresses.topics(settings), settings.log_origin)


@contextlib.contextmanager
def usable() -> Iterator[None]:
    """End with status 3 where a key cannot be read."""
    try:
        yield
    except (KeysUnusable, KeyRefused, TreeRefused) as error:
        raise Missing(str(error)) from error
