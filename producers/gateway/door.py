"""The door: what a vote has to show that came by a link, from a crowd that nobody knows.

Theory of operation: a machine behind one address can be a new device for each vote. So a vote on a
proposal that was asked for, by a device that is not known, stands on a ladder
(`producers.gateway.ladder`). Most meet nothing. Where many come, the vote is taken as ever, but as
suspect, and its answer bears a challenge: work for the browser (`producers.gateway.work`), or a
wait (`producers.gateway.door_marks`). The same choice sent again with either is trusted, and makes
the device known, here and everywhere. Nobody is refused, no network is blocked, and nothing is
asked for what was drawn, for what is taken back, or twice of anybody.

Who passes by waiting passes at a bounded rate for each network and proposal, later too: a device
that has only ever waited is known, and still takes its turn where a place is raised. So does one
that is known by a vote on what was drawn, where very many of those come.
"""

from typing import Any, NamedTuple, Protocol

from producers.gateway import door_marks
from producers.gateway.door_counts import DoorCounts
from producers.gateway.door_marks import Leave, Mark
from producers.gateway.keys import KeyFolder
from producers.gateway.ladder import HIGHEST, OTHERS_FIRST, WAIT_SECONDS, Ladder, target_of
from producers.gateway.memory import Memory
from producers.gateway.work import REPLAYED, SOLVED, Spent, Work
from schemas.words import CHALLENGED


_NONE, _ASKED, _SOLVED, _WAITED = CHALLENGED
EARLY, CROWDED, OTHERS_ARE_FIRST = "early", "crowded", "others_first"
"""Why a vote that came back is not trusted yet, beside the verdicts on work: before its time; more
wait here than may pass; other proposals come first."""


class Voter(Protocol):
    """Who votes: `producers.gateway.booth.Voter`."""

    @property
    def consultation(self) -> str: ...

    @property
    def id(self) -> bytes: ...

    @property
    def device(self) -> bytes: ...

    @property
    def network(self) -> bytes: ...

    @property
    def mark(self) -> Mark: ...


class Answers(NamedTuple):
    """What a vote brings to answer a challenge."""

    solution: str | None = None
    leave: str | None = None


class Challenge(NamedTuple):
    """What a suspect vote may bring to be trusted: work done, or leave after a wait."""

    step: int
    work: dict[str, Any] | None
    """As ALTCHA's browser code takes it; None: waiting is the way."""
    leave: str
    """To be sent with the same choice, from `wait_seconds` from now on."""
    wait_seconds: int
    others_first: int
    """So many other proposals are to be voted on before."""
    problem: str | None
    """Why what was sent did not do."""

    def document(self) -> dict[str, Any]:
        """Write it for an answer."""
        return self._asdict()


class Passage(NamedTuple):
    """What the door made of a vote."""

    said: str
    """As `schemas.words.CHALLENGED` has it: it stands beside the network of the event."""
    challenge: Challenge | None = None
    """What is asked; the vote is suspect."""
    mark: Mark | None = None
    """What the device is given."""


OPEN = Passage(_NONE)


class Door:
    """Stands before votes that have a proof and were asked for."""

    def __init__(
        self, *, keys: KeyFolder, memory: Memory, counts: DoorCounts, ladder: Ladder,
        spent: Spent,
    ) -> None:
        self._keys = keys
        self._memory = memory
        self._ladder = ladder
        self._spent = spent
        self.counts = counts
        self._work = Work(lambda: keys.device)

    async def meet(
        self, voter: Voter, proposal: str, answers: Answers, now: int, name: bytes = b"", *,
        others_most: int,
    ) -> Passage:
        """Ask what there is to ask of a vote, now (milliseconds since 1970).

        `name` is what its network is called today, where `asks_names` says so; `others_most` is how
        many other proposals there are to vote on: no more are asked for.
        """
        if self._memory.is_proven(voter.id, proposal):
            return OPEN  # It counts already: this may change it, and adds nothing.
        seconds = now // 1_000
        mark = voter.mark
        how = mark.how if mark.since <= seconds else 0
        if how == door_marks.SOLVED:
            return OPEN
        step = self._step(voter, proposal, now, name, how)
        if not step:
            return OPEN
        others = 0
        if step == HIGHEST:
            others = min(OTHERS_FIRST, others_most) - self._others(voter, proposal)
        if others > 0:
            return self._challenged(
                voter, proposal, step, seconds, problem=OTHERS_ARE_FIRST, others=others)
        return await self._answered(voter, proposal, step, answers, how, seconds)

    async def _answered(
        self, voter: Voter, proposal: str, step: int, answers: Answers, how: int, seconds: int
    ) -> Passage:
        if answers.solution:
            return await self._worked(voter, proposal, step, answers.solution, seconds)
        if answers.leave:
            return self._came_back(voter, proposal, step, answers.leave, seconds)
        if how in (door_marks.WAITED, door_marks.SERVED):
            return self._passing(voter, proposal, step, seconds)
        return self._challenged(voter, proposal, step, seconds)

    @property
    def asks_names(self) -> bool:
        """Whether networks are raised by the names they bear today."""
        return self._ladder.names_raised

    def raise_challenge(
        self, name: bytes, consultation: str, proposal: str, level: int, until: int, now: int
    ) -> None:
        """Raise a network, by its name of today, for a proposal; empty: for all of them.

        Level 0 to 3; until and now in milliseconds since 1970.
        """
        before = self._ladder.raised
        self._ladder.raise_named(
            name, target_of(consultation, proposal) if proposal else b"", level, until, now)
        self.counts.raised(consultation, now / 1_000, self._ladder.raised - before)

    def crowded(self, consultation: str, network: bytes, now: float) -> None:
        """Take note that more requests without a cookie come from a network than people send."""
        before = self._ladder.raised
        self._ladder.crowded(network, now)
        self.counts.raised(consultation, now, self._ladder.raised - before)

    @staticmethod
    def served(now: int) -> Mark:
        """Return the mark of a device for its vote on what was drawn."""
        return Mark(door_marks.SERVED, now // 1_000 + door_marks.SERVED_SECONDS)

    def _step(self, voter: Voter, proposal: str, now: int, name: bytes, how: int) -> int:
        target = target_of(voter.consultation, proposal)
        before = self._ladder.raised
        if how == door_marks.SERVED:
            step = self._ladder.ask_served(voter.network, target, voter.id, now / 1_000)
        else:
            named = self._ladder.named(name, target, now) if name else 0
            step = self._ladder.ask(voter.network, target, voter.id, now / 1_000, named)
        self.counts.raised(voter.consultation, now / 1_000, self._ladder.raised - before)
        return step

    def _others(self, voter: Voter, proposal: str) -> int:
        """Count its proven votes on other proposals, as far as they are remembered here."""
        return sum(self._memory.is_proven(voter.id, other)
                   for other in self._memory.history(voter.id) if other != proposal)

    async def _worked(
        self, voter: Voter, proposal: str, step: int, solution: str, now: int
    ) -> Passage:
        checked = self._work.check(voter.id, voter.consultation, proposal, solution, now)
        verdict = checked.verdict
        if verdict == SOLVED:
            verdict = await self._spent.take(checked.signature, now)
        if verdict == REPLAYED:  # It is this very vote again, whose answer or record was lost.
            return Passage(_SOLVED, mark=Mark(door_marks.SOLVED, now))
        if verdict != SOLVED:
            self.counts.refused(voter.consultation, now, f"solution-{verdict}")
            return self._challenged(voter, proposal, step, now, problem=verdict)
        before = self._ladder.raised
        self._ladder.solved(voter.network, target_of(voter.consultation, proposal), now)
        self.counts.raised(voter.consultation, now, self._ladder.raised - before)
        self.counts.passed(voter.consultation, now, "solved", checked.given_at)
        return Passage(_SOLVED, mark=Mark(door_marks.SOLVED, now))

    def _came_back(
        self, voter: Voter, proposal: str, step: int, text: str, now: int
    ) -> Passage:
        leave = door_marks.leave_of(
            self._keys.device, voter.id, voter.consultation, proposal, text)
        if leave is None or now > leave.not_before + door_marks.LEAVE_SECONDS:
            problem = "altered" if leave is None else "expired"
            self.counts.refused(voter.consultation, now, f"leave-{problem}")
            return self._challenged(voter, proposal, step, now, problem=problem)
        if now < leave.not_before:
            return self._waits_on(voter, proposal, step, leave, now, EARLY)
        return self._passing(voter, proposal, step, now, leave)

    def _passing(
        self, voter: Voter, proposal: str, step: int, now: int, leave: Leave | None = None
    ) -> Passage:
        """Let somebody through who has waited, now or once before, if it is their turn."""
        seconds = self._ladder.passes(
            voter.network, target_of(voter.consultation, proposal), voter.id, now)
        if seconds:
            if leave is None:
                return self._challenged(
                    voter, proposal, step, now, problem=CROWDED, seconds=seconds)
            longer = Leave(now + seconds, leave.said_at)
            return self._waits_on(voter, proposal, step, longer, now, CROWDED)
        if leave is None:
            return Passage(_WAITED)
        self.counts.passed(voter.consultation, now, "waited", leave.said_at)
        lasts = voter.mark.how in door_marks.LASTING  # It only has to come of age.
        return Passage(_WAITED, mark=None if lasts else Mark(door_marks.WAITED, now))

    def _challenged(
        self, voter: Voter, proposal: str, step: int, now: int, *,
        problem: str | None = None, others: int = 0, seconds: int = 0,
    ) -> Passage:
        """Ask for work, or a wait: as long as its step has it, or what is longer."""
        self.counts.asked(voter.consultation, now)
        work = self._work.challenge(
            voter.id, voter.consultation, proposal, network=voter.network, step=step, now=now)
        told = self._ladder.waits(
            voter.network, target_of(voter.consultation, proposal), voter.id, now)
        leave = Leave(now + max(WAIT_SECONDS[step], seconds, told), now)
        return self._asks(voter, proposal, step, leave, now, work, others, problem)

    def _waits_on(
        self, voter: Voter, proposal: str, step: int, leave: Leave, now: int, problem: str
    ) -> Passage:
        """Say how long to wait yet; the work that was asked for stays what it was."""
        return self._asks(voter, proposal, step, leave, now, None, 0, problem)

    def _asks(  # noqa: PLR0913 -- the parts of a challenge
        self, voter: Voter, proposal: str, step: int, leave: Leave, now: int,
        work: dict[str, Any] | None, others: int, problem: str | None,
    ) -> Passage:
        text = door_marks.leave_text(
            self._keys.device, voter.id, voter.consultation, proposal, leave)
        return Passage(_ASKED, Challenge(
            step, work, text, max(leave.not_before - now, 0), others, problem))
