"""Controls as a log takes them: in the version of its rules, and signed where it has keys.

Theory of operation: the catalogue announces which keys sign controls. Whoever writes one signs it
with the least powerful key at hand that may: a closing with a clerk's, a finding with the guard's,
all else with an operator's. A signature is made for one partition, by the chain after its first
record. Where no key at hand may sign, nothing is written and the answer names those that may: an
unsigned control would lie in the log, refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from producers.errors import InvalidInput, Missing
from producers.known_catalogue import KnownCatalogue
from producers.log_reader import LogReader
from schemas import codec
from schemas.chains import NO_CHAIN, linked
from schemas.codec import Undecodable
from schemas.control_roles import CLERK, GUARD, OPERATOR, PublicKey, is_signed_by, may_sign
from schemas.control_signatures import NOBODY, key_id, signed
from schemas.private_files import read_private
from schemas.registry import FIRST_RULES, UnknownSchema, current
from schemas.topics import Topics


LEAST_POWERFUL_FIRST = (CLERK, GUARD, OPERATOR)
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

    rules: int
    keys: tuple[PublicKey, ...]
    """Those that are announced."""
    own: tuple[OwnKey, ...]
    genesis_chains: Mapping[int, bytes]
    """Chain after offset 0, of each partition that is written to; needed where there are keys."""

    def signer(self, event: str, cause: int = 0) -> OwnKey | None:
        """Choose the key that signs; None where nobody need. Raises InvalidInput where none may."""
        if not self.keys:
            return None
        by_id = {own.id: own for own in self.own}
        for role in LEAST_POWERFUL_FIRST:
            for key in self.keys:
                if key.role == role and key.id in by_id and may_sign(role, event, cause):
                    return by_id[key.id]
        wanted = ", ".join(f"{key.role} {key.id.hex()}" for key in self.keys
                           if may_sign(key.role, event, cause))
        raise InvalidInput(
            f"this log takes {event} only with a signature, and no key that may sign it lies here. "
            f"Those that may: {wanted}. Put the private key into the folder that "
            "SCRUTIN_CONTROL_KEYS names, or ask whoever has it.")

    def encoded(self, event: str, partition: int, /, **fields: Any) -> bytes:
        """Encode a control for a partition."""
        return self.signed(event, partition, self.signer(event, fields.get("cause", 0)), **fields)

    def signed(
        self, event: str, partition: int, signer: OwnKey | None, /, **fields: Any
    ) -> bytes:
        """Encode a control for a partition, signed by a key; unsigned without one."""
        schema = current(event, self.rules)
        if schema.version == 1:
            known = {field["name"] for field in schema.raw["fields"]}
            return codec.encode_as(
                schema, **{name: datum for name, datum in fields.items() if name in known})
        value = codec.encode_as(schema, **{**fields, "by": signer.id if signer else NOBODY})
        if signer is None:
            return value
        return signed(signer.private, partition, self.genesis_chains[partition], value)

    def takes(self, partition: int, value: bytes) -> bool:
        """Whether a control that lies in a partition is one that it takes, by today's keys."""
        try:
            schema = codec.schema_of(value)
            _, fields = codec.decode(value)
        except (Undecodable, UnknownSchema):
            return False
        if not self.keys:
            return schema.version <= self.rules
        return schema.version > 1 and is_signed_by(
            self.keys, partition, self.genesis_chains[partition], schema.event, fields, value)


FIRST = Controls(FIRST_RULES, (), (), {})
"""Of a log under the first rules: nothing is signed."""


async def controls(
    reader: LogReader, topics: Topics, known: KnownCatalogue, own: Sequence[OwnKey],
    partitions: Iterable[int] | None = None,
) -> Controls:
    """Get ready to write controls into partitions, all by default; `reader` is connected."""
    chains = {}
    if known.control_keys:
        for partition in range(topics.partitions) if partitions is None else partitions:
            chains[partition] = await genesis_chain(reader, topics, partition)
    return Controls(known.rules, known.control_keys, tuple(own), chains)


async def genesis_chain(reader: LogReader, topics: Topics, partition: int) -> bytes:
    """Return the chain after the first record of a votes partition; raise Missing without one."""
    async for records in reader.read(topics.votes, partition):
        if records[0].offset:
            break
        return linked(NO_CHAIN, records[0].value or b"")
    raise Missing(f"votes partition {partition} has no first record: run `scrutin provision` "
                  "before anything is written, and never let votes be deleted.")
