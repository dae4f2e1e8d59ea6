"""A voter's receipt, checked by anybody: the gateway's signature, and the log's proof. Pure.

Theory of operation: votes that the broker acknowledged together share one signature, over the
topic, the partition, the first offset, the promised delay and the root of an RFC 6962 tree of the
events; a receipt carries its event and the path to that root. The transparency log has another
tree, of entries made of the same events. So the signature says that the gateway took this vote for
this place, and promised it a checkpoint by a certain time; the proof, that it lies there for
everybody. The receipt names its key, and the log names all keys there were: under a checkpoint that
commits to that list, nobody can say that the key was not the service's. Written from the format,
apart from what writes receipts.
"""

import contextlib
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas import codec
from schemas.codec import Undecodable
from schemas.named_keys import KeyList, key_id
from sinks.ballots import BALLOT_EVENTS
from sinks.transparency.checkpoints import Checkpoint
from sinks.transparency.entries import entry_of
from sinks.transparency.hashing import leaf_hash
from sinks.transparency.key_commitments import committed, require_committed
from sinks.transparency.notes import Refused, Verifier, from_base64
from sinks.transparency.proofs import included
from sinks.transparency.tlog_proof import parse_proof, verify


HEAD = b"scrutin receipt v1\n"
"""Signed before everything else: the key signs nothing but receipts."""


DUE_AT_MAX_SECONDS = 253_402_300_799
"""The end of the year 9999: no date is later."""


_KEY = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Unreadable(Exception):
    """Not a receipt of this version."""


class NeverNamed(Refused):
    """A receipt is by a key that nobody has named as the service's."""


@dataclass(frozen=True)
class Receipt:
    """A receipt, read; nothing of it is checked yet but that its parts agree."""

    partition: int
    offset: int
    value: bytes
    """The event as it lies in the log."""
    event: str
    fields: dict[str, Any]
    first_offset: int
    size: int
    path: tuple[bytes, ...]
    inclusion_seconds: int
    signature: bytes
    key: str | None = None
    """Names the key; None in a receipt of release 0.1.0."""

    @property
    def due_at(self) -> float:
        """The time, in seconds since 1970, by which a checkpoint must cover the event."""
        return float(self.fields["occurred_at"] / 1_000 + self.inclusion_seconds)

    def signed_by(self, publics: Sequence[bytes], topic: str) -> bytes:
        """Return the key that signed, of those that are known; raise NeverNamed or Refused.

        All are tried, however many: else whoever lists others before it could deny the last one.
        What they were read from has a bound of its own.
        """
        meant = [public for public in publics if self.key in (None, key_id(public))]
        if not meant:
            raise NeverNamed(
                f"the receipt is by the key {self.key}, which is none of the {len(publics)} known")
        for public in meant[:-1]:
            with contextlib.suppress(Refused):
                self.require_signed(public, topic)
                return public
        self.require_signed(meant[-1], topic)
        return meant[-1]

    def require_signed(self, public: bytes, topic: str) -> None:
        """Raise Refused unless the gateway signed that the event lies at this place."""
        index = self.offset - self.first_offset
        root = included(leaf_hash(self.value), index, self.size, self.path)
        if root is None:
            raise Refused("the receipt's path does not lead from its event to a root")
        try:
            place = struct.pack(">IQII", self.partition, self.first_offset, self.size,
                                self.inclusion_seconds)
            Ed25519PublicKey.from_public_bytes(public).verify(
                self.signature, HEAD + topic.encode() + b"\n" + place + root)
        except (InvalidSignature, ValueError, struct.error):
            raise Refused(
                f"the signature is not the gateway's, for this event at {topic} partition "
                f"{self.partition} offset {self.offset}") from None

    def require_logged(
        self, proof: str, logs: Mapping[str, Verifier], place: str
    ) -> Checkpoint:
        """Return the checkpoint under which the event lies at its offset; raise Refused."""
        origins = [origin for origin in logs if origin.endswith(f"/{place}")]
        if len(origins) != 1:
            raise Refused(f"the policy names {len(origins)} logs {place}, it must name one")
        entry = entry_of(self.fields.get("consultation", ""), self.value)
        return verify(
            parse_proof(proof), index=self.offset, entry=entry, logs=logs, origin=origins[0])


def parse_receipt(document: Any) -> Receipt:
    """Read a receipt as the gateway gives it; raise Unreadable, or Refused where it lies."""
    try:
        batch, value = document["batch"], _bytes(document["event"])
        event, fields = codec.decode(value)
        found = Receipt(
            partition=_whole(document["partition"]), offset=_whole(document["offset"]),
            value=value, event=event, fields=fields, first_offset=_whole(batch["first_offset"]),
            size=_whole(batch["size"]), path=tuple(map(_bytes, batch["path"])),
            inclusion_seconds=_whole(document["inclusion_seconds"]),
            signature=_bytes(document["signature"]), key=_key(document.get("key")))
        said = (document["event_id"], document["trust"])
    except (KeyError, TypeError, ValueError, RecursionError, Undecodable) as error:
        raise Unreadable(f"not a receipt: {type(error).__name__} {error}") from error
    _require_ballot(found)
    if said != (fields["event_id"].hex(), fields.get("trust")):
        raise Refused(f"the receipt says {said[1]} of event {said[0]}; the event itself says "
                      f"{fields.get('trust')} of {fields['event_id'].hex()}")
    return found


def _require_ballot(found: Receipt) -> None:
    """Raise Unreadable unless the event is one that voters make, at a time that can be written."""
    if found.event not in BALLOT_EVENTS:
        raise Unreadable(f"not a receipt: {found.event} is no voter's event")
    at_seconds = found.fields["occurred_at"] // 1_000
    if not 0 <= found.inclusion_seconds <= DUE_AT_MAX_SECONDS or not (
            0 <= at_seconds <= DUE_AT_MAX_SECONDS - found.inclusion_seconds):
        raise Unreadable("not a receipt: its time or its promise lies beyond any date")


def require_named(keys: KeyList, public: bytes, checkpoint: Checkpoint) -> int | None:
    """Return the place in the catalogue from which on the log names a key, under a checkpoint.

    None where the checkpoint commits to no keys, as those of release 0.1.0 do. Raises Refused where
    it commits to another list, NeverNamed where the list has the key later or not at all.
    """
    found = committed(checkpoint)
    if found is None:
        return None
    require_committed(checkpoint, keys)
    at = keys.named_at("receipt", public)
    if at is None or at >= found.size:
        raise NeverNamed(
            f"the log does not name the key {key_id(public)} of receipts under this checkpoint"
            + ("" if at is None else f", but at offset {at} of the catalogue, behind the "
               f"{found.size} records it commits to: a proof under a later checkpoint tells"))
    return at


def _key(name: Any) -> str | None:
    if name is not None and not (isinstance(name, str) and _KEY.fullmatch(name)):
        raise ValueError("what should name a key does not")
    return name


def _whole(number: Any) -> int:
    if type(number) is not int:
        raise ValueError("what should be a whole number is not")
    return number


def _bytes(text: str) -> bytes:
    raw = from_base64(text)
    if raw is None:
        raise ValueError("what should be base64 is not")
    return raw
