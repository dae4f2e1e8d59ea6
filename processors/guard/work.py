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

    def ask(self, row: int, time: int) -> None:
        """Take note that something was asked; the first time counts."""
        self.asked_at.setdefault(row, time)

    def answer(self, row: int, time: int) -> None:
        """Take a vote that counts, on what it was asked for."""
        if time <= self.asked_at.setdefault(row, time) + WORK_MS:
            self.passed.add(row)

    def has_had_time(self, row: int, now: int) -> bool:
        """Whether something was asked of somebody who has done it, or could have."""
        asked_at = self.asked_at.get(row)
        return asked_at is not None and (row in self.passed or asked_at + WORK_MS <= now)

    def renumber(self, numbers: dict[int, int]) -> None:
        """Go on with the rows that are left, under their new numbers."""
        self.asked_at = {numbers[row]: time for row, time in self.asked_at.items()
                         if row in numbers}
        self.passed = {numbers[row] for row in self.passed if row in numbers}
        self.unproven = {numbers[row] for row in self.unproven if row in numbers}
