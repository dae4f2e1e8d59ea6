"""Every key of a deployment: which there are, a new one beside the old, the end of an old one.

Theory of operation: a new key is named in the log before it exists on disk, so that none ever signs
unnamed; gateways take it up within seconds and sign with it a minute later, when all of them know
it; the notary reads its keys when it starts, and signs with all it finds. An old key is ended by
itself, once nothing needs it: named as retired, then deleted. Each step can be repeated.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.errors import InvalidInput, Missing
from producers.gateway.dated_keys import GRACE_SECONDS, LOOK_SECONDS
from producers.gateway.keys import KINDS, KeyFolder, KeysUnusable
from producers.key_naming import name_keys
from producers.operations import Log
from schemas.named_keys import IN_USE, RETIRED, KeyList, NamedKey, key_id, parse_keys
from schemas.private_files import (
    KEY_BYTES,
    KEYS_MAX,
    KeyFile,
    KeyRefused,
    destroy,
    key_files,
    make_private,
    read_private,
)
from schemas.topics import Topics
from sinks.transparency.checkpoints import open_checkpoint
from sinks.transparency.folder import LogFolder
from sinks.transparency.notes import Refused, Verifier
from sinks.transparency.policy import place_of
from sinks.transparency.policy_file import KEYS


LOG = "log"
SIGNS, ACCEPTED, WAITS = "signs", "accepted", "begins"
TAKEN_UP_SECONDS = 2 * LOOK_SECONDS
"""So long after a key's moment each gateway has looked and signs with it, one look being late."""
_SECRET = b"scrutin secret key\n"
"""Stands before a secret key in the hash that names it: its own hash is nobody's to know."""


@dataclass(frozen=True)
class Place:
    """Where the keys of a deployment lie."""

    folder: Path
    logs: Path
    """Of the private keys of the transparency logs."""
    public: Path
    """Of the transparency logs."""
    topics: Topics
    origin: str

    def names(self) -> dict[str, str]:
        """Return the name of each log by its place."""
        wanted = [(self.topics.votes, number) for number in range(self.topics.partitions)]
        places = [place_of(self.topics, *each) for each in (
            *wanted, (self.topics.catalogue, 0), (self.topics.patrol, 0))]
        return {place: f"{self.origin}/{place}" for place in places}


@dataclass(frozen=True)
class Held:
    """A key that lies on disk."""

    kind: str
    id: str
    state: str
    since: int
    path: Path
    name: str = ""
    """Of its log."""
    public: bytes = b""
    """Empty of a secret one."""
    named: str = ""
    """How the log says it stands; empty where it does not."""


def held(place: Place, now: float, kind: str | None = None) -> list[Held]:
    """Find every key, the one that signs first; raise KeysUnusable."""
    listed = _listed(place)
    try:
        found = [key for each in KINDS if kind in (None, each)
                 for key in _of_gateways(place, each, now, listed)]
        if kind in (None, LOG):
            found += [key for log, name in place.names().items()
                      for key in _of_log(place, log, name, listed)]
    except KeyRefused as error:
        raise KeysUnusable(str(error)) from error
    return found


def _listed(place: Place) -> KeyList:
    """Read the keys that the notary has found named; none where it does not run here."""
    try:
        return parse_keys((place.public / place.topics.prefix / KEYS).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return KeyList()


def _of_gateways(place: Place, kind: str, now: float, listed: KeyList) -> Iterator[Held]:
    for number, file in enumerate(KeyFolder(place.folder, lambda: now).files(kind)):
        state = SIGNS if not number else ACCEPTED if file.since <= now else WAITS
        yield _held(kind, state, file, "", listed)


def _of_log(place: Place, log: str, name: str, listed: KeyList) -> Iterator[Held]:
    path = place.logs / log
    for file in key_files(path.parent, path.name, bounded=False):
        yield _held(LOG, SIGNS, file, name, listed)


def _held(kind: str, state: str, file: KeyFile, name: str, listed: KeyList) -> Held:
    key = read_private(file.path)
    if key is None:
        raise Missing(f"{file.path} was deleted this moment: try again.")
    if kind not in ("receipt", LOG):
        identifier = hashlib.sha256(_SECRET + key).digest()[:8].hex()
        return Held(kind, identifier, state, file.since, file.path)
    public = _public(key)
    known = listed.find(kind, public, name)
    return Held(kind, key_id(public), state, file.since, file.path, name, public,
                known.state if known else "")


def _public(key: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def fresh(
    place: Place, kind: str, since: int
) -> list[tuple[Path, bytes, NamedKey | None]]:
    """Draw new keys of a kind, for files that are not there yet; raise InvalidInput or Missing."""
    places = place.names() if kind == LOG else {kind: ""}
    folder = place.logs if kind == LOG else place.folder
    drawn: list[tuple[Path, bytes, NamedKey | None]] = []
    for stem, name in places.items():
        path = folder / stem
        files = key_files(path.parent, path.name, bounded=False)
        if not files:
            maker = "notary" if kind == LOG else "gateway"
            raise Missing(f"there is no key {path}.key to change: `scrutin {maker}` makes it when "
                          "it first needs one.")
        if len(files) >= KEYS_MAX:
            raise InvalidInput(f"{path} has {KEYS_MAX} keys, and no more are tried: retire old "
                               f"ones with `scrutin keys retire {kind}`.")
        key = secrets.token_bytes(KEY_BYTES)
        named = None if kind in ("device", "view") else NamedKey(kind, name, _public(key), IN_USE)
        drawn.append((path.with_name(f"{path.name}.{since}.key"), key, named))
    return drawn


async def rotate(
    place: Place, kind: str, log: Log | None, *, now: float, grace_seconds: int = GRACE_SECONDS
) -> list[Path]:
    """Put a new key of a kind beside the old: named in the log first, where anybody checks it."""
    drawn = fresh(place, kind, int(now) + (0 if kind == LOG else grace_seconds))
    if log is not None:
        old = [NamedKey(kind, key.name, key.public, IN_USE) for key in held(place, now, kind)]
        new = [named for _, _, named in drawn if named]
        await name_keys(log, [*old, *new], now=int(now * 1_000))
    for path, key, _ in drawn:
        make_private(path, key)
    return [path for path, _, _ in drawn]


def retirable(place: Place, kind: str, identifier: str | None, now: float) -> list[Held]:
    """Return the old keys of a kind that can go, or the one of an id; raise InvalidInput."""
    keys = held(place, now, kind)
    newest = {key.name: key for key in sorted(keys, key=lambda key: key.since)
              if key.since <= now or kind == LOG}
    old = [key for key in keys if key.path != newest[key.name].path and key.state != WAITS]
    if identifier is not None:
        old = [key for key in old if key.id == identifier]
        if not old:
            raise InvalidInput(f"no old key of {kind} has the id {identifier}: `scrutin keys list` "
                               "names them. One that signs cannot be retired: rotate first.")
    for name in {key.name for key in old}:
        _require_taken_up(place, kind, newest[name], now)
    return old


def _require_taken_up(place: Place, kind: str, newest: Held, now: float) -> None:
    """Raise InvalidInput where the old key may still be needed to sign."""
    if kind != LOG:
        if now < newest.since + TAKEN_UP_SECONDS:
            raise InvalidInput(
                f"the key {newest.path} signs since {now - newest.since:.0f} s only: wait "
                f"{TAKEN_UP_SECONDS:.0f} s, until every gateway has taken it up.")
        return
    folder = LogFolder(place.public / newest.name.removeprefix(f"{place.origin}/"))
    try:
        open_checkpoint(folder.checkpoint() or "", Verifier(newest.name, newest.public))
    except Refused as error:
        raise InvalidInput(
            f"the newest checkpoint of {newest.name} is not signed by the key {newest.path} yet "
            f"({error}). Start the notary again and wait for a checkpoint.") from error


async def retire(keys: Sequence[Held], log: Log | None, *, now: float) -> None:
    """End old keys: named as retired, then deleted. What they signed stays valid where it can."""
    if log is not None:
        await name_keys(log, [NamedKey(key.kind, key.name, key.public, RETIRED) for key in keys],
                        now=int(now * 1_000))
    for key in keys:
        destroy(key.path)
