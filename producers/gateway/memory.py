"""What a gateway remembers of voters: a convenience, bounded in bytes, read anew at a restart.

Nothing that counts depends on it: the ledger decides each event id once and knows every vote. It
serves to leave out of a sequence what was voted on, to ask nothing at the door of who holds a
proven vote, and to write a sequence that comes back from a browser once. What other gateways took
comes from the log (`producers.gateway.history`).

Theory of operation: a voter's choices are one row of four bytes each, in the order in which they
were first made. The first byte says what was chosen, its highest bit set; three of seven bits
number the proposal. So the number of a proposal is found by a search for its three bytes: only a
row's head has a high bit, and nothing else can look like it. A dictionary a voter would take
ten times as much, and a text for each choice thirty times.
"""

from collections import OrderedDict
from sys import getsizeof

from schemas.words import CHOICES


SEQUENCES_REMEMBERED = 200_000
"""Sequences of which it is remembered that they came back: twenty seconds of the greatest load,
hours of a usual one. Each takes SEQUENCE_BYTES."""
SEQUENCE_BYTES = 200
"""A sequence's event id and its place in the order, at most."""
VOTERS_REMEMBERED = 50_000
"""Voters whose choices are remembered; the one who acted longest ago is forgotten first."""
CHOICES_REMEMBERED = 1_000
"""Choices remembered of one voter: nobody votes on more in one sitting."""
CHOICES_BYTES = 48 << 20
"""Of all voters' choices, at most: that of 50,000 voters who vote on a hundred proposals each. Past
it the voter who acted longest ago is forgotten too."""
VOTER_BYTES = 256
"""What a voter takes beside the row of choices, at most: a name and a place in the order."""
NAMES_REMEMBERED = 1 << 17
"""Proposals that are told apart: forty times the largest catalogue, 30 MB. What they are called
comes from the catalogue; a choice on one more is not remembered."""

Held = tuple[str | None, bool]
"""A choice, and whether it came with a proof."""
_NOTHING: Held = (None, False)
_HELD: dict[int, Held] = {
    0x80 | 2 * place + trusted: (choice, bool(trusted))
    for place, choice in enumerate((None, *CHOICES)) for trusted in (0, 1)}
"""What the first byte of a choice says."""
_HEADS: dict[Held, int] = {held: head for head, held in _HELD.items()}
_ROW_BYTES = 4


class Memory:
    """Sequences that came back, and choices of voters."""

    def __init__(
        self, *, sequences: int = SEQUENCES_REMEMBERED, voters: int = VOTERS_REMEMBERED,
        choices_bytes: int = CHOICES_BYTES,
    ) -> None:
        self._sequences_most = sequences
        self._voters_most = voters
        self._bytes_most = choices_bytes
        # A plain dict looks for its first key past all that were deleted before it: each time more.
        self._sequences: OrderedDict[bytes, None] = OrderedDict()
        self._choices: OrderedDict[bytes, bytearray] = OrderedDict()
        self._numbers: dict[str, bytes] = {}
        """The three bytes of each proposal."""
        self._names: list[str] = []
        self._bytes = 0
        self.under_way: set[bytes] = set()
        """Event ids of votes that this gateway is writing: what the log says of them is not news
        until it has noted them itself."""

    @property
    def choices_bytes(self) -> int:
        """Bytes that the choices take."""
        return self._bytes

    def note(self, sequence: bytes) -> bool:
        """Note that a sequence came back, by its event id; return whether that is new."""
        if sequence in self._sequences:
            return False
        self._sequences[sequence] = None
        if len(self._sequences) > self._sequences_most:
            self._sequences.popitem(last=False)
        return True

    def forget(self, sequence: bytes) -> None:
        """Forget that a sequence came back."""
        self._sequences.pop(sequence, None)

    def choose(
        self, voter: bytes, proposal: str, choice: str | None, *, trusted: bool
    ) -> bool:
        """Remember a choice, None where it was withdrawn, as the ledger takes it.

        Without a proof it takes nothing from a vote that has one (`processors.ledger.rules`).
        Returns whether it is the first with a proof that is known of the voter and proposal.
        """
        number = self._numbers.get(proposal) or self._numbered(proposal)
        if number is None:
            return False
        row = self._choices.get(voter)
        if row is None:
            row = self._choices[voter] = bytearray()
            self._bytes += VOTER_BYTES + getsizeof(row)
        else:
            self._choices.move_to_end(voter)
        at = row.find(number)
        if at < 0:
            if len(row) < _ROW_BYTES * CHOICES_REMEMBERED:
                self._bytes -= getsizeof(row)
                row.append(_HEADS[choice, trusted])
                row += number
                self._bytes += getsizeof(row)
            self._forget()
            return trusted
        held = _HELD[row[at - 1]]
        if trusted or not held[1] or held[0] is None:
            row[at - 1] = _HEADS[choice, trusted]
        return trusted and not held[1]

    def forget_choice(self, voter: bytes, proposal: str) -> None:
        """Forget what a voter chose: it may be another by now."""
        row, number = self._choices.get(voter), self._numbers.get(proposal)
        at = -1 if row is None or number is None else row.find(number)
        if row is not None and at >= 0:
            self._bytes -= getsizeof(row)
            del row[at - 1:at - 1 + _ROW_BYTES]
            self._bytes += getsizeof(row)

    def remembers(self, voter: bytes) -> bool:
        """Whether the voter is known to have acted."""
        return voter in self._choices

    def choice(self, voter: bytes, proposal: str) -> str | None:
        """Return a voter's choice, if it is remembered."""
        return (self._held(voter, proposal) or _NOTHING)[0]

    def is_proven(self, voter: bytes, proposal: str) -> bool:
        """Whether it is remembered that the voter holds a vote that came with a proof."""
        choice, trusted = self._held(voter, proposal) or _NOTHING
        return trusted and choice is not None

    def history(self, voter: bytes) -> list[str]:
        """List the proposals a voter acted on, as far as remembered, sorted."""
        row = self._choices.get(voter, b"")
        return sorted(
            self._names[row[at + 1] << 14 | row[at + 2] << 7 | row[at + 3]]
            for at in range(0, len(row), _ROW_BYTES))

    def _held(self, voter: bytes, proposal: str) -> Held | None:
        row, number = self._choices.get(voter), self._numbers.get(proposal)
        if row is None or number is None:
            return None
        at = row.find(number)
        return None if at < 0 else _HELD[row[at - 1]]

    def _numbered(self, proposal: str) -> bytes | None:
        """Return a proposal the next number; None where there are too many."""
        number = len(self._names)
        if number >= NAMES_REMEMBERED:
            return None
        self._names.append(proposal)
        found = bytes((number >> 14, number >> 7 & 127, number & 127))
        self._numbers[proposal] = found
        return found

    def _forget(self) -> None:
        """Forget who acted longest ago, until all bounds hold."""
        while len(self._choices) > self._voters_most or self._bytes > self._bytes_most:
            _, row = self._choices.popitem(last=False)
            self._bytes -= VOTER_BYTES + getsizeof(row)
