"""Controls as a log takes them: in the version of its rules, and signed where it has keys.

Theory of operation: each partition says which keys sign its controls. Whoever writes one signs it
with the least powerful key at hand that may: a closing with a clerk's, a finding with the guard's,
all else with an operator's. A signature is made for one partition, by the chain after its first
record. Where no key at hand may sign, nothing is written and the answer names those that may: an
unsigned control would lie in the log, refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue
from producers.log_reader import LogReader
from schemas import codec, corrections
from schemas.control_roles import CLERK, GUARD, OPERATOR, PublicKey, may_sign
from schemas.control_signatures import NOBODY, UNSIGNED, key_id, signed
from schemas.genesis import announced
from schemas.keys_in_force import ADOPTIONS, KeysInForce
from schemas.private_files import read_private
from schemas.registry import FIRST_RULES, HEADER_BYTES, current, headers
from schemas.topics import Topics


LEAST_POWERFUL_FIRST = (CLERK, GUARD, OPERATOR)
_DECISIONS = headers("DecisionMade")
_VOTER_AT, _NOBODY = HEADER_BYTES + 17, b"\0"
"""Behind its event id a decision names a voter, or none: most do, and are passed over undecoded."""
OWN_KEYS_MOST = 64
"""Files of control keys in a folder: no log takes more."""


@dataclass(frozen=True)
class OwnKey:
    """A private key that lies here."""

    id: bytes
    public: bytes
    private: Ed25519PrivateKey
    path: Path | None = None


def own_key(secret: bytes, path: Path | None = None) -> OwnKey:
    """Take a private key by its 32 bytes."""
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    return OwnKey(key_id(public), public, private, path)


def own_keys(folder: Path) -> tuple[OwnKey, ...]:
    """Read the private keys of a folder; raise KeyRefused where one is not used, InvalidInput."""
    paths = sorted(folder.glob("*.key")) if folder.exists() else []
    if len(paths) > OWN_KEYS_MOST:
        raise InvalidInput(f"{folder} holds {len(paths)} keys, at most {OWN_KEYS_MOST} are tried: "
                           "move those that are not in use elsewhere.")
    secrets = ((path, read_private(path)) for path in paths)
    return tuple(own_key(secret, path) for path, secret in secrets if secret is not None)


@dataclass(frozen=True)
class Controls:
    """Makes the controls of one log."""

    rules: int = FIRST_RULES
    """Those that are announced."""
    own: tuple[OwnKey, ...] = ()
    partitions: Mapping[int, KeysInForce] = field(default_factory=dict)
    """What is in force in each partition that is written to; none under the first rules."""

    def require_signers(self, event: str, cause: int = 0) -> None:
        """Raise InvalidInput where a partition asks for a signature and no key at hand may sign."""
        for partition in self.partitions:
            self.signer(partition, event, cause)

    def signer(self, partition: int, event: str, cause: int = 0) -> OwnKey | None:
        """Choose the key that signs; None where nobody need. Raises InvalidInput where none may."""
        keys = self.partitions[partition].keys if partition in self.partitions else ()
        if not keys:
            return None
        by_id = {own.id: own for own in self.own}
        for role in LEAST_POWERFUL_FIRST:
            for key in keys:
                if key.role == role and key.id in by_id and may_sign(role, event, cause):
                    return by_id[key.id]
        wanted = ", ".join(f"{key.role} {key.id.hex()}" for key in keys
                           if may_sign(key.role, event, cause))
        raise InvalidInput(
            f"votes partition {partition} takes {event} only with a signature, and no key that may "
            f"sign it lies here. Those that may: {wanted}. Put the private key into the folder "
            "that SCRUTIN_CONTROL_KEYS names, or ask whoever has it.")

    def encoded(self, event: str, partition: int, /, **fields: Any) -> bytes:
        """Encode a control for a partition, signed where it asks for that."""
        in_force = self.partitions.get(partition)
        schema = current(event, in_force.rules if in_force else self.rules)
        if schema.version == 1:
            known = {field["name"] for field in schema.raw["fields"]}
            return codec.encode_as(
                schema, **{name: datum for name, datum in fields.items() if name in known})
        signer = self.signer(partition, event, fields.get("cause", 0))
        value = codec.encode_as(schema, **{**fields, "by": signer.id if signer else NOBODY})
        if signer is None or in_force is None:
            return value
        return signed(signer.private, partition, in_force.genesis_chain, value)


class CatalogueKey(NamedTuple):
    """A private key that signs what the catalogue of one log takes."""

    id: bytes
    private: Ed25519PrivateKey
    in_force: bytes
    """Event id of the announcement of keys in force: it is signed, too."""


def operators_key(known: KnownCatalogue, own: Sequence[OwnKey]) -> CatalogueKey | None:
    """Choose the key that signs what the catalogue takes from operators; None where nobody need.

    Raises InvalidInput where one must, and none lies here.
    """
    keys = [key for key in known.control_keys if key.role == OPERATOR]
    by_id = {each.id: each for each in own}
    if not known.control_keys:
        return None
    for key in keys:
        if key.id in by_id:
            return CatalogueKey(
                key.id, by_id[key.id].private, known.authority.in_force)
    wanted = ", ".join(f"{key.role} {key.id.hex()}" for key in keys)
    raise InvalidInput(
        "the catalogue takes this only with an operator's signature, and no key that may sign it "
        f"lies here. Those that may: {wanted}. Put the private key into the folder that "
        "SCRUTIN_CONTROL_KEYS names, or ask whoever has it.")


def correction(signer: CatalogueKey | None, event: str, /, **fields: Any) -> bytes:
    """Encode a correction, a retirement or a restoration, signed where somebody signs."""
    value = codec.encode(
        event, **fields, by=signer.id if signer else NOBODY, signature=UNSIGNED)
    return corrections.signed(signer.private, signer.in_force, value) if signer else value


def announcement(
    known: KnownCatalogue, own: Sequence[OwnKey], rules: int, edition: int,
    keys: tuple[PublicKey, ...], *, occurred_at: int,
) -> bytes:
    """Encode an announcement, signed by an operator's key of those that the catalogue names.

    Raises InvalidInput where it names some and none of them lies here.
    """
    signer = operators_key(known, own)
    if signer is None:
        return announced(rules, edition, keys, occurred_at=occurred_at)
    return corrections.announcement_signed(
        signer.private, signer.in_force,
        announced(rules, edition, keys, occurred_at=occurred_at, by=signer.id))


FIRST = Controls()
"""Of a log under the first rules: nothing is signed."""


Read = dict[int, tuple[KeysInForce, int]]
"""What is in force in partitions, as far as they were read once: up to which offset."""


async def controls(
    reader: LogReader, topics: Topics, known: KnownCatalogue, own: Sequence[OwnKey],
    partitions: Iterable[int] | None = None, *, read: Read | None = None,
) -> Controls:
    """Get ready to write controls into partitions, all by default; `reader` is connected.

    What a partition takes is read from the partition: the catalogue could be lied to, and tells of
    keys only when every partition has them. What was `read` before is gone on from, and kept there.
    """
    followed = {}
    if known.rules > FIRST_RULES:
        for partition in range(topics.partitions) if partitions is None else partitions:
            followed[partition] = await keys_in_force(reader, topics, known, partition, read)
    return Controls(known.rules, tuple(own), followed)


async def keys_in_force(
    reader: LogReader, topics: Topics, known: KnownCatalogue, partition: int,
    read: Read | None = None,
) -> KeysInForce:
    """Read a votes partition to its end for the rules and keys that it has there."""
    # Which adoption gives first keys is known afterwards alone: then all is read again.
    before = read.get(partition) if read and not known.first_keys else None
    found, first = before or (
        KeysInForce(partition, await first_adoptions(reader, topics, known, partition)), 0)
    async for records in reader.read(topics.votes, partition, first=first):
        for record in records:
            value = record.value or b""
            if value[:HEADER_BYTES] in ADOPTIONS or not record.offset:
                found.follow(record.offset, value)
        first = records[-1].offset + 1
    if read is not None:
        read[partition] = found, first
    return found


async def first_adoptions(
    reader: LogReader, topics: Topics, known: KnownCatalogue, partition: int
) -> frozenset[int]:
    """Return the votes offsets of adoptions that took effect, as decisions record them.

    Which one gives a partition its first keys, its ledger alone was told; where none was ever told
    of any there is nothing to read.
    """
    found: set[int] = set()
    if known.first_keys:
        async for records in reader.read(topics.decisions, partition):
            for record in records:
                value = record.value or b""
                if value[:HEADER_BYTES] in _DECISIONS and value[_VOTER_AT:_VOTER_AT + 1] == _NOBODY:
                    decision = codec.decode(value)[1]
                    if (decision["kind"], decision["outcome"]) == ("rules_adopted", "adopted"):
                        found.add(decision["source_offset"])
    return frozenset(found)
