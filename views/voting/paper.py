"""What a browser keeps of its votes between two pages: a signed cookie. Pure.

Theory of operation: no gateway remembers voters (any one may answer the next request), and the
ledger's state is nobody's to read. So the browser itself carries the proposals it was served, and
what it did with each: enough to show it again, to take it back, and to find its receipts, whose
text is read from the log anew. The paper decides nothing: a lost or an old one costs the display,
never a vote. It is bounded (`views.voting.folded`): of the votes touched longest ago less is kept.

It also holds by which route this browser first reached a proposal, served in its turn or asked for,
which view proofs then say: what was asked for stays so, voted on or passed over, however often it
is served later. Of what was served and passed over nothing is kept, once it is not in turn any
more: asked for after that, it was asked for. What was reached before routes were noted is unknown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from schemas.words import CHOICES, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE, SHOWN
from views.voting.desk import Act, Recorded


DONE_BYTES = 8
"""Of what stands for a form: two of a voter's have the same once in 10^19."""
UNKNOWN, SERVED, ASKED = SHOWN
"""Routes."""
_PROVEN_ANEW = 2
"""From these rules on a vote that is proven loses the qualifications it got without a proof."""


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
    """Offset of the last vote, whose receipt also serves to describe oneself; -1: not kept."""
    last: int
    """Offset of the last act of any kind; -1: not kept."""
    acts: int = 1
    unproven: str = ""
    """The last act, as its button names it, where it came without a proof and the vote with one:
    the ledger refuses it."""
    route: str = UNKNOWN
    """By which the proposal was first reached."""


@dataclass
class Paper:
    """The proposals in turn and the marks made; everything in it is for display."""

    sequence: list[str] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    """By proposal, the last touched last."""
    older: dict[str, Mark] = field(default_factory=dict)
    """Those touched before: choice, qualifications and trust alone, in no order of theirs."""
    voted: int = 0
    """Proposals voted on, those that left the paper included."""
    partition: int = 0
    done: bytes = bytes(DONE_BYTES)
    """Stands for the form that was recorded last: sent again, it says nothing new."""
    described: bool = False
    """Whether the voter described themselves, or said no."""
    routes: dict[str, str] = field(default_factory=dict)
    """The first route to each proposal in turn, and to what was asked for before, where it is known
    and the proposal has no mark."""

    def serve(
        self, given: Sequence[str], asked: Collection[str], *, tells_routes: bool,
        counts_as_drawn: bool = True,
    ) -> None:
        """Take the next proposals, some of them asked for, and note the routes to new ones.

        Those that were not asked for were served where that counts as drawn; else it is unknown.
        """
        before = {name: self.routes.get(name, UNKNOWN) for name in self.sequence}
        before |= {name: route for name, route in self.routes.items() if route == ASKED}
        served = SERVED if counts_as_drawn else UNKNOWN
        new = dict.fromkeys(given, served) | dict.fromkeys(asked, ASKED) if tells_routes else {}
        self.sequence = list(given)
        self.routes = {
            name: route for name, route in (new | before).items()
            if route != UNKNOWN and not self.of(name) and (route == ASKED or name in given)}

    def route(self, proposal: str) -> str:
        """Return the first route to a proposal."""
        mark = self.of(proposal)
        return mark.route if mark else self.routes.get(proposal, UNKNOWN)

    def of(self, proposal: str) -> Mark | None:
        """Return the mark of a proposal, whole or not."""
        return self.marks.get(proposal) or self.older.get(proposal)

    def every(self) -> dict[str, Mark]:
        """Return all marks, the last touched last."""
        return {**self.older, **self.marks}

    def open_after(self, proposal: str | None) -> str | None:
        """Return the next proposal in turn that has no mark; None at the end."""
        at = self.sequence.index(proposal) + 1 if proposal in self.sequence else 0
        return next((name for name in self.sequence[at:] if not self.of(name)), None)

    def last_cast(self) -> int | None:
        """Return the offset of a vote, the latest that is kept."""
        return next((mark.cast for mark in reversed(self.marks.values()) if mark.cast >= 0), None)

    def mark(self, act: Act, button: str, done: Recorded) -> None:
        """Mark a recorded act, by the rules that the ledger decides it by."""
        lost = self.lost_by(act, done)
        self.partition = done.partition
        if not done.trusted and self.refuse(act.proposal, button, done.offset):
            return  # The page asks for a confirmation.
        if act.event == "VoteCast":
            self.cast(act.proposal, act.word, done.offset, trusted=done.trusted)
            self.marks[act.proposal].qualifications.difference_update(lost)
        elif act.event == "VoteWithdrawn":
            self.withdraw(act.proposal, done.offset)
        else:
            self.qualify(
                act.proposal, act.word, done.offset, added=act.event == "QualificationAdded")

    def lost_by(self, act: Act, done: Recorded) -> list[str]:
        """List the qualifications that a vote loses by being proven: to be sent again with it."""
        mark = self.of(act.proposal)
        proven = (done.rules >= _PROVEN_ANEW and done.trusted and act.event == "VoteCast"
                  and mark is not None and mark.choice == act.word and not mark.trusted)
        return sorted(mark.qualifications, key=QUALIFICATIONS.index) if mark and proven else []

    def cast(self, proposal: str, choice: str, offset: int, *, trusted: bool) -> None:
        """Mark a choice that is not refused; another one drops the qualifications, as the ledger
        does, and the same one without a proof leaves the vote as it was."""
        old = self._taken(proposal)
        if old is None:
            self.voted += 1
            self.marks[proposal] = Mark(choice, set(), None, trusted, offset, offset,
                                        route=self.routes.pop(proposal, UNKNOWN))
            return
        same = old.choice == choice
        self.marks[proposal] = Mark(
            choice, old.qualifications if same else set(), old.before if same else old.choice,
            trusted or (same and old.trusted), offset, offset, old.acts + 1, route=old.route)

    def withdraw(self, proposal: str, offset: int) -> None:
        """Mark a vote as taken back."""
        old = self._taken(proposal)
        if old is not None:
            self.marks[proposal] = Mark(
                None, set(), old.choice or old.before, old.trusted, old.cast, offset, old.acts + 1,
                route=old.route)

    def qualify(self, proposal: str, word: str, offset: int, *, added: bool) -> None:
        """Mark a qualification, or its end."""
        mark = self._whole(proposal)
        if mark is not None:
            if not added:
                mark.qualifications.discard(word)
            elif mark.choice is not None and word in qualifications_of(mark.choice):
                mark.qualifications.add(word)  # One of another choice the ledger refuses.
            mark.last, mark.acts, mark.unproven = offset, mark.acts + 1, ""

    def refuse(self, proposal: str, button: str, offset: int) -> bool:
        """Mark an act without proof that the ledger refuses; false where it takes it.

        It takes it where the vote itself is set aside, where there is none, and where the act says
        what the vote says already.
        """
        mark = self.of(proposal)
        if mark is None or mark.choice in (None, button) or not mark.trusted:
            return False
        self._whole(proposal)
        mark.last, mark.acts, mark.unproven = offset, mark.acts + 1, button
        return True

    def _taken(self, proposal: str) -> Mark | None:
        """Take the mark of a proposal from where it stands."""
        return self.marks.pop(proposal, None) or self.older.pop(proposal, None)

    def _whole(self, proposal: str) -> Mark | None:
        """Return the mark of a proposal, from now on among those that are kept whole."""
        if proposal in self.older:
            self.marks[proposal] = self.older.pop(proposal)
        return self.marks.get(proposal)


def qualifications_of(choice: str) -> tuple[str, ...]:
    """Return the qualifications that belong to a choice."""
    first = CHOICES.index(choice) * QUALIFICATIONS_PER_CHOICE
    return QUALIFICATIONS[first:first + QUALIFICATIONS_PER_CHOICE]
