"""What a browser keeps of its votes between two pages: a signed cookie. Pure.

Theory of operation: no gateway remembers voters (any one may answer the next request), and the
ledger's state is nobody's to read. So the browser itself carries the proposals it was served, and
what it did with each: enough to show it again, to take it back, and to find its receipts, whose
text is read from the log anew. The paper decides nothing: a lost or an old one costs the display,
never a vote. It is bounded; the vote touched longest ago leaves it first.
"""

import base64
import binascii
import hmac
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE
from views.voting.desk import Act, Recorded


PAPER_CHARACTERS = 3_600
"""Longest cookie value: browsers keep 4,096 bytes with name and attributes. Some hundred votes."""

Seal = Callable[[bytes], bytes]
IsSealed = Callable[[bytes, bytes], bool]
"""Given a code and the content, says whether the code is a seal of it."""


@dataclass
class Mark:
    """What the voter did with one proposal."""

    choice: str | None
    """None: withdrawn."""
    qualifications: set[str]
    before: str | None
    """The choice before the last change."""
    trusted: bool
    cast: int
    """Offset of the last vote; its receipt also serves to describe oneself."""
    last: int
    """Offset of the last act of any kind."""
    acts: int = 1
    unproven: str = ""
    """The last act, as its button names it, where it came without a proof and the vote with one:
    the ledger refuses it."""


@dataclass
class Paper:
    """The proposals in turn and the marks made; everything in it is for display."""

    sequence: list[str] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    """By proposal, the last touched last."""
    voted: int = 0
    """Proposals voted on, those that left the paper included."""
    partition: int = 0
    described: bool = False
    """Whether the voter described themselves, or said no."""

    def open_after(self, proposal: str | None) -> str | None:
        """Give the next proposal in turn that has no mark; None at the end."""
        at = self.sequence.index(proposal) + 1 if proposal in self.sequence else 0
        return next((name for name in self.sequence[at:] if name not in self.marks), None)

    def mark(self, act: Act, button: str, done: Recorded) -> None:
        """Mark a recorded act, by the rules that the ledger decides it by."""
        self.partition = done.partition
        if not done.trusted and self.refuse(act.proposal, button, done.offset):
            return  # The page asks for a confirmation.
        if act.event == "VoteCast":
            self.cast(act.proposal, act.word, done.offset, trusted=done.trusted)
        elif act.event == "VoteWithdrawn":
            self.withdraw(act.proposal, done.offset)
        else:
            self.qualify(
                act.proposal, act.word, done.offset, added=act.event == "QualificationAdded")

    def cast(self, proposal: str, choice: str, offset: int, *, trusted: bool) -> None:
        """Mark a choice that is not refused; another one drops the qualifications, as the ledger
        does, and the same one without a proof leaves the vote as it was."""
        old = self.marks.pop(proposal, None)
        if old is None:
            self.voted += 1
            self.marks[proposal] = Mark(choice, set(), None, trusted, offset, offset)
            return
        same = old.choice == choice
        self.marks[proposal] = Mark(
            choice, old.qualifications if same else set(), old.before if same else old.choice,
            trusted or (same and old.trusted), offset, offset, old.acts + 1)

    def withdraw(self, proposal: str, offset: int) -> None:
        """Mark a vote as taken back."""
        old = self.marks.pop(proposal, None)
        if old is not None:
            self.marks[proposal] = Mark(
                None, set(), old.choice or old.before, old.trusted, old.cast, offset, old.acts + 1)

    def qualify(self, proposal: str, word: str, offset: int, *, added: bool) -> None:
        """Mark a qualification, or its end."""
        mark = self.marks.get(proposal)
        if mark is not None:
            (mark.qualifications.add if added else mark.qualifications.discard)(word)
            mark.last, mark.acts, mark.unproven = offset, mark.acts + 1, ""

    def refuse(self, proposal: str, button: str, offset: int) -> bool:
        """Mark an act without proof that the ledger refuses; false where it takes it.

        It takes it where the vote itself is set aside, where there is none, and where the act says
        what the vote says already.
        """
        mark = self.marks.get(proposal)
        if mark is None or mark.choice in (None, button) or not mark.trusted:
            return False
        mark.last, mark.acts, mark.unproven = offset, mark.acts + 1, button
        return True

    def written(self, seal: Seal) -> str:
        """Write the paper as a cookie's value, within PAPER_CHARACTERS."""
        marks = list(self.marks.items())
        while True:
            text = self._text(marks, seal)
            if len(text) <= PAPER_CHARACTERS or not marks:
                return text
            del marks[:1 + len(marks) // 10]

    def _text(self, marks: list[tuple[str, Mark]], seal: Seal) -> str:
        rows = [[
            name, _index(mark.choice), _bits(mark.qualifications), _index(mark.before),
            int(mark.trusted), mark.cast, mark.last - mark.cast, mark.acts,
            *([mark.unproven] if mark.unproven else ()),
        ] for name, mark in marks]
        content = zlib.compress(json.dumps(
            [self.sequence, rows, self.voted, self.partition, int(self.described)],
            separators=(",", ":"), ensure_ascii=False).encode(), 9)
        return base64.urlsafe_b64encode(seal(content) + content).rstrip(b"=").decode()


def read(text: str | None, seal: Seal, is_sealed: IsSealed | None = None) -> Paper:
    """Read a paper that we sealed; an empty one for anything else.

    Where seals change over time, `is_sealed` knows older ones too.
    """
    code_bytes = len(seal(b""))
    try:
        raw = base64.urlsafe_b64decode((text or "") + "=" * (-len(text or "") % 4))
    except (binascii.Error, ValueError):
        return Paper()
    code, content = raw[:code_bytes], raw[code_bytes:]
    if not (is_sealed(code, content) if is_sealed else hmac.compare_digest(code, seal(content))):
        return Paper()
    sequence, rows, voted, partition, described = json.loads(zlib.decompress(content))
    return Paper(sequence, {
        name: Mark(_choice(choice), _words(bits), _choice(before), bool(trusted), cast,
                   cast + later, acts, *unproven)
        for name, choice, bits, before, trusted, cast, later, acts, *unproven in rows
    }, voted, partition, bool(described))


def _index(choice: str | None) -> int:
    return -1 if choice is None else CHOICES.index(choice)


def _choice(index: int) -> str | None:
    return None if index < 0 else CHOICES[index]


def _bits(qualifications: set[str]) -> int:
    return sum(1 << QUALIFICATIONS.index(word) for word in qualifications)


def _words(bits: int) -> set[str]:
    return {word for place, word in enumerate(QUALIFICATIONS) if bits >> place & 1}


def qualifications_of(choice: str) -> tuple[str, ...]:
    """Give the qualifications that belong to a choice."""
    first = CHOICES.index(choice) * QUALIFICATIONS_PER_CHOICE
    return QUALIFICATIONS[first:first + QUALIFICATIONS_PER_CHOICE]
