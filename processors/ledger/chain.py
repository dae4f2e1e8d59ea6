"""The chain of a partition: each decision commits to every record up to its own. Pure."""

from typing import NamedTuple

from processors.ledger.alarms import LedgerStopped
from schemas.chains import linked


class ChainLink(NamedTuple):
    """The last link of a partition's chain."""

    partition: int
    offset: int
    previous: bytes
    chain: bytes

    def verify(self, value: bytes | None) -> None:
        """Compare the record at `offset`, read again, with the chain; raise LedgerStopped."""
        if linked(self.previous, value or b"") != self.chain:
            raise LedgerStopped(
                f"votes partition {self.partition}: the vote at offset {self.offset} is not the "
                "one that was decided. The ballot box was replaced or rewritten: stop, and "
                "compare with the archive (`scrutin audit recount`)."
            )
