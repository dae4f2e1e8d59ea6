"""`scrutin gateway` late on a long evening: what it remembers has reached its bounds.

A gateway that has just started forgets nothing yet, and forgetting is part of a vote's cost.
"""

import secrets
import time

from producers.gateway import memory, rates
from producers.gateway.identity import IDENTIFIER_BYTES
from scrutin.gateway import composition
from scrutin.main import main


class FullMemory(memory.Memory):
    """A memory that must forget something for each key and voter that comes."""

    def __init__(self) -> None:
        super().__init__()
        for _ in range(memory.SEQUENCES_REMEMBERED):
            self.note(secrets.token_bytes(IDENTIFIER_BYTES))
        for _ in range(memory.VOTERS_REMEMBERED):
            self.choose(secrets.token_bytes(IDENTIFIER_BYTES), "", None, trusted=True)


class FullRates(rates.Rates):
    """Limits of as many voters as there are windows, all within their minute."""

    def __init__(
        self, *, voter_per_minute: int, network_per_minute: int,
        readers_per_minute: int | None = None, gateways: int = 1,
    ) -> None:
        super().__init__(
            voter_per_minute=voter_per_minute, network_per_minute=network_per_minute,
            readers_per_minute=readers_per_minute, gateways=gateways)
        now = time.time()
        for _ in range(rates.VOTER_CELLS):
            self.count(secrets.token_bytes(IDENTIFIER_BYTES), b"", now)


if __name__ == "__main__":
    vars(composition).update(Memory=FullMemory, Rates=FullRates)  # where its parts are connected
    main()
