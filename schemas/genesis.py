"""What a log begins with: the rules of each partition, its control keys, their announcement.

Theory of operation: the first record of a partition says by which rules it is decided and whose
signatures it asks for; its salt is random, so that no other partition, generation or deployment has
its chain, and no signature holds elsewhere. The announcement in the catalogue tells writers. Under
the first rules the record follows from the names of topics, as release 0.1.0 made it.
"""

import hashlib
import secrets
from dataclasses import dataclass

from schemas import codec
from schemas.codec import ID_BYTES
from schemas.control_roles import PublicKey, keys_in
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.registry import FIRST_RULES, current
from schemas.topics import Topics


NEWEST_RULES = 2
"""Rules that this version can adopt."""


@dataclass(frozen=True)
class Genesis:
    """How a log begins."""

    rules: int = NEWEST_RULES
    keys: tuple[PublicKey, ...] = ()
    """Keys whose signatures are asked for; none: controls are unsigned."""

    @property
    def edition(self) -> int:
        """How often keys were adopted with it."""
        return 1 if self.keys else 0

    def record(self, topics: Topics, partition: int, occurred_at: int) -> bytes:
        """Encode the first record of a partition."""
        if self.rules == FIRST_RULES:
            return first_rules_adopted(topics, partition, occurred_at)
        return codec.encode_as(
            current("RulesAdopted", self.rules), ledger_version=self.rules, partition=partition,
            partitions=topics.partitions, generation=self.edition,
            keys=[key.fields() for key in self.keys], **_common(occurred_at))

    def announcement(self, occurred_at: int) -> bytes:
        """Encode what the catalogue says of it."""
        return announced(self.rules, self.edition, self.keys, occurred_at=occurred_at)


FIRST_GENESIS = Genesis(FIRST_RULES)
"""As every log of release 0.1.0 begins."""


def genesis_of(value: bytes) -> Genesis:
    """Read from the first record of a partition how its log has begun."""
    _, fields = codec.decode(value)
    return Genesis(fields["ledger_version"], keys_in(fields))


def announced(
    rules: int, edition: int, keys: tuple[PublicKey, ...], *, occurred_at: int,
    first_keys: list[bytes] | None = None, by: bytes = NOBODY,
) -> bytes:
    """Encode the announcement of rules and keys, not signed yet; `by` is the key that will."""
    return codec.encode(
        "RulesAnnounced", ledger_version=rules, generation=edition,
        keys=[key.fields() for key in keys], first_keys=first_keys or [], by=by,
        signature=UNSIGNED, **_common(occurred_at))


def _common(occurred_at: int) -> dict[str, object]:
    return {"event_id": secrets.token_bytes(ID_BYTES), "salt": secrets.token_bytes(ID_BYTES),
            "origin": "operator", "occurred_at": occurred_at}


def first_rules_adopted(topics: Topics, partition: int, occurred_at: int) -> bytes:
    """Encode the adoption of the first rules by a partition."""
    seed = f"RulesAdopted/{FIRST_RULES}/{topics.votes}"
    return codec.encode(
        "RulesAdopted", event_id=hashlib.sha256(seed.encode()).digest()[:ID_BYTES],
        ledger_version=FIRST_RULES, partition=partition, partitions=topics.partitions,
        salt=hashlib.sha256(f"{seed}/{partition}/salt".encode()).digest()[:ID_BYTES],
        origin="operator", occurred_at=occurred_at,
    )
