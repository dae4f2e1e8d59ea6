"""What the door asked of voters of a day, and who did it. Pure.

Theory of operation: of whom something is asked the vote is suspect, until a vote on the same
proposal counts. Who does it in ten minutes has hands; who had ten minutes and did not, has none.
"""

WORK_MS = 600_000
"""Who was asked for work or patience has answered by then, or is counted as who does not."""


class Work:
    """Rows of voters of whom something was asked for what they cast first."""

    def __init__(self) -> None:
        self.asked_at: dict[int, int] = {}
        """When, in milliseconds since midnight."""
        self.passed: set[int] = set()
        """Those who did it in time."""
        self.unproven: set[int] = set()
        """Those none of whose votes counts yet."""
        self.had_time: set[int] = set()
        """Those who did it, or could have, when this was last settled."""
        self._waiting: set[int] = set()
        """The others."""

    def ask(self, row: int, time: int) -> None:
        """Take note that something was asked; the first time counts."""
        if row not in self.asked_at:
            self.asked_at[row] = time
            self._waiting.add(row)

    def answer(self, row: int, time: int) -> None:
        """Take a vote that counts, on what it was asked for."""
        self.ask(row, time)
        if time <= self.asked_at[row] + WORK_MS:
            self.passed.add(row)

    def settle(self, now: int) -> None:
        """Take note of who has had time by an instant of the day."""
        found = {row for row in self._waiting if self.has_had_time(row, now)}
        self._waiting -= found
        self.had_time |= found

    def has_had_time(self, row: int, now: int) -> bool:
        """Whether something was asked of somebody who has done it, or could have."""
        asked_at = self.asked_at.get(row)
        return asked_at is not None and (row in self.passed or asked_at + WORK_MS <= now)

    def renumber(self, numbers: dict[int, int]) -> None:
        """Go on with the rows that are left, under their new numbers."""
        self.asked_at = {numbers[row]: time for row, time in self.asked_at.items()
                         if row in numbers}
        for name in ("passed", "unproven", "had_time", "_waiting"):
            setattr(self, name, {numbers[row] for row in getattr(self, name) if row in numbers})
