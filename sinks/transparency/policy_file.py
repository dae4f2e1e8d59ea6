"""The published keys on disk: the policy, which names every key of the logs, and the list of keys.

Both only grow: a key that is retired stays, for what it signed stays signed. Whoever makes the
folder anew from a copy gives them back with it.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from schemas.named_keys import KeyList
from sinks.faults import TreeRefused
from sinks.transparency.folder import sync_folder, write_whole
from sinks.transparency.keys import load_key
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


def own_publics(folder: Path, keys: Path) -> frozenset[bytes]:
    """Return every key of our logs: those that were published, and those that lie among ours.

    A key that cannot be read is left out: whoever signs with it says so. Raises OSError.
    """
    try:
        found = {public for verifier in parse_policy((folder / POLICY).read_text("utf-8")).values()
                 for public in verifier.publics}
    except (FileNotFoundError, UnicodeDecodeError, Refused):
        found = set()
    for path in keys.rglob("*.key"):
        with contextlib.suppress(TreeRefused):
            if (key := load_key(path)) is not None:
                found.add(key.public_key().public_bytes_raw())
    return frozenset(found)


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
