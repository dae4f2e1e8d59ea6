"""The published keys on disk: the policy, which names every key of the logs, and the list of keys.

Both only grow: a key that is retired stays, for what it signed stays signed. Whoever makes the
folder anew from a copy gives them back with it.
"""

from collections.abc import Sequence
from pathlib import Path

from schemas.named_keys import KeyList
from sinks.transparency.folder import sync_folder, write_whole
from sinks.transparency.notes import Refused, Verifier
from sinks.transparency.policy import POLICY, WITNESSED_POLICY, parse_policy, write_policy
from sinks.transparency.quorum import Quorum


KEYS = "keys"
"""The file that lists the service's public keys, as checkpoints commit to them."""


def known_keys(folder: Path, name: str) -> tuple[bytes, ...]:
    """Return the keys of a log that were published before; none where nothing is there yet."""
    try:
        known = parse_policy((folder / POLICY).read_text("utf-8")).get(name)
    except (FileNotFoundError, UnicodeDecodeError, Refused):
        return ()
    return known.publics if known else ()


def publish_policy(
    folder: Path, verifiers: Sequence[Verifier], keys: KeyList, quorum: Quorum | None = None
) -> None:
    """Publish the keys of all logs: those that sign, and those that the catalogue names.

    Where witnesses countersign, a second policy asks for them too.
    """
    named: dict[str, list[bytes]] = {}
    for key in keys.of("log"):
        named.setdefault(key.name, []).append(key.public)
    logs = [verifier.with_keys(named.get(verifier.name, ())) for verifier in verifiers]
    write_whole(folder / POLICY, write_policy(logs).encode())
    if quorum is None:
        (folder / WITNESSED_POLICY).unlink(missing_ok=True)
    else:
        write_whole(folder / WITNESSED_POLICY, write_policy(logs, quorum).encode())
    sync_folder(folder)


def publish_keys(folder: Path, keys: KeyList) -> None:
    """Publish the list of keys."""
    write_whole(folder / KEYS, keys.text().encode())
    sync_folder(folder)
