"""What the patrol remembers: of each consultation its day, and what waits to be joined. Pure.

Theory of operation: votes are folded in the order of (instant, partition, offset) that their batch
has. A vote is joined with its network by the event's id, whichever of the two is read first: a vote
waits two seconds of the log's time, a network half a minute at least. What is not joined by then
stays without a network, in no group. Loss is normal and accuses nobody.

Where a day has more voters than are looked at, a sample of them is kept, by hash. So whatever is
remembered follows from the cuts and from what lies between them.
"""

from bisect import bisect_left
from collections.abc import Sequence

from processors.guard.day import CHOICE_BITS, DAY_MS, MAX_VOTERS, Day
from processors.guard.findings import Finding
from processors.guard.flags import FRESH
from processors.guard.inputs import ASKED, CHALLENGED_AT, SPAN, Batch, Cut, Vote, beginning
from processors.guard.known import MAX_KNOWN, Known
from processors.guard.parameters import HURRIED
from processors.guard.sampling import in_sample
from processors.guard.window import ITEM_BITS
from schemas.endorsements import CountedCatalogue
from schemas.hot import short_string
from schemas.topics import partition_of


MAX_PROPOSALS = 1 << ITEM_BITS - CHOICE_BITS
"""Proposals of a consultation that are looked at."""
NETWORK_WAIT_MS = 2_000
"""A vote waits so long for its network, by the log's time."""
UNJOINED_MS = 30_000
"""Networks without a vote are kept so long, and at most twice as long."""
MAX_UNJOINED = 100_000
"""Networks that are kept in one such span; of more, the span is over. Two are held."""

Casts = Sequence[Vote]
AskedVote = tuple[Vote, bytes]
"""A suspect vote for which the door asked something, and what was seen of it."""


class Consultation:
    """What is remembered of one consultation."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.proposals: list[str] = []
        self.known = Known()
        self.begun: set[int] = set()
        """Proposals that were voted on before today."""
        self.ideas: dict[int, str] = {}
        """Idea of each proposal that is grouped."""
        self.today: Day | None = None

    def wakes(self, number: int) -> Day:
        """Begin its day."""
        day = self.today = Day(number, self.known, self.ideas)
        day.young = {proposal: {} for proposal in range(len(self.proposals))
                     if proposal not in self.begun}
        return day

    def sleeps(self) -> None:
        """End its day: whose voters they were is known, and which proposals had votes."""
        if self.today is not None:
            unproven = self.today.work.unproven
            self.known.add(voter for voter, row in self.today.rows.items()
                           if row not in unproven) if unproven else (
                self.known.add(self.today.rows))
            self.begun |= self.today.begun
            self.begun.update(proposal for proposal, early in self.today.young.items() if early)
            self.today = None


class PatrolState:
    """The state of the patrol; `processors.guard.judging.judge` is what changes it."""

    def __init__(self, partitions: int) -> None:
        self.cut: Cut = beginning(partitions)
        self.number = 0
        """Of the last judgement."""
        self.now = 0
        """Milliseconds since 1970: how far the log's time is."""
        self.day = -1
        self.consultations: dict[str, Consultation] = {}
        self.left: dict[bytes, list[Finding]] = {}
        """Findings that no judgement has had room for, by their ids."""
        self.level = 0
        """Of the sample that is looked at: one of two to this power."""
        self._places: dict[bytes, tuple[Consultation, int]] = {}
        self._unjoined: dict[bytes, bytes] = {}
        self._unjoined_before: dict[bytes, bytes] = {}
        self._unjoined_since = 0
        self._waiting: dict[bytes, tuple[Consultation, int]] = {}
        """Rows of fresh voters whose network is not known yet, by the vote's event."""
        self._catalogue = CountedCatalogue()
        self._suspect: dict[bytes, Vote] = {}
        """Suspect votes of which it is not known yet whether something was asked, by event."""

    # The catalogue

    def know(self, batch: Batch) -> None:
        """Fold the catalogue's part of a batch: which proposals there are."""
        for event, fields, value, offset in batch.catalogue:
            counted = self._catalogue.follow(event, fields, offset, value)
            if counted is None:
                continue
            event, fields = counted.event, counted.fields  # noqa: PLW2901 -- what counts now
            if event == "ProposalAccepted":
                self._accepted(fields["consultation"], fields["proposal"])
            elif event == "ProposalGrouped":
                self._grouped(fields["consultation"], fields["proposal"], fields["idea"])

    def _accepted(self, name: str, proposal: str) -> None:
        consultation = self.consultations.setdefault(name, Consultation(name))
        span = short_string(name) + short_string(proposal)
        if span not in self._places and len(consultation.proposals) < MAX_PROPOSALS:
            self._places[span] = consultation, len(consultation.proposals)
            if consultation.today is not None:
                consultation.today.young[len(consultation.proposals)] = {}
            consultation.proposals.append(proposal)

    def _grouped(self, name: str, proposal: str, idea: str | None) -> None:
        place = self._places.get(short_string(name) + short_string(proposal))
        if place is not None and idea is not None:
            place[0].ideas[place[1]] = idea
        elif place is not None:
            place[0].ideas.pop(place[1], None)

    # Days

    def roll(self, day: int) -> None:
        """Begin a day: yesterday's voters are known, and all else of it is forgotten."""
        self.day = day
        self._waiting.clear()
        for consultation in self.consultations.values():
            consultation.sleeps()
        while sum(len(each.known) for each in self.consultations.values()) > MAX_KNOWN:
            self._thin()

    def pass_over(self, batch: Batch, number: int, sample: int) -> None:
        """Go on after a recorded judgement without judging: of its votes the voters are known.

        `number` and `sample` are those of the record.
        """
        self.know(batch)
        self.remember(batch.ordered())
        self.cut, self.number = batch.until, number
        while self.level < sample:
            self._thin()

    def remember(self, casts: Casts) -> None:
        """Take votes of days that are over: whose they are is all that remains of them."""
        voters: dict[str, set[bytes]] = {}
        for _, partition, *_, found in casts:
            place = self._places.get(found[SPAN])
            if place is not None and self._is_in_place(found[1], partition) and (
                    in_sample(found[1], self.level)):
                voters.setdefault(place[0].name, set()).add(found[1])
                place[0].begun.add(place[1])
        for name, found_voters in voters.items():
            self.consultations[name].known.add(found_voters)

    def _is_in_place(self, voter: bytes, partition: int) -> bool:
        return partition_of(voter, len(self.cut.votes)) == partition

    # Votes and networks

    def take_networks(self, batch: Batch) -> None:
        """Take where events came from, and join the votes that waited for it."""
        for event_id in [one for one in self._waiting if one in batch.networks]:
            consultation, row = self._waiting.pop(event_id)
            assert consultation.today is not None
            consultation.today.joined(row, batch.networks[event_id])
        self._unjoined.update(batch.networks)

    def asked_in(self, batch: Batch) -> list[AskedVote]:
        """Return the suspect votes for which the door asked something, in their order."""
        self._suspect.update((vote[-1][0], vote) for vote in batch.suspect)
        found = [(vote, seen) for event_id, vote in self._suspect.items()
                 if (seen := self._seen(event_id)) is not None]
        for vote, _ in found:
            del self._suspect[vote[-1][0]]
        return sorted(one for one in found if one[1][CHALLENGED_AT:] == _ASKED)

    def _seen(self, event_id: bytes) -> bytes | None:
        return self._unjoined.get(event_id) or self._unjoined_before.get(event_id)

    def fold_asked(self, asked: Sequence[AskedVote], now: int) -> None:
        """Fold suspect votes of one day for which something was asked.

        Their voters belong to groups as others do, for who does nothing has no other vote; in no
        count of votes, and not known on the next day, until a vote of theirs counts.
        """
        begins = self.day * DAY_MS
        latest = min(now - begins, DAY_MS - 1)
        for (instant, partition, _, _, (_, voter, choice, _, *detail, span)), seen in asked:
            place = self._places.get(span)
            if place is None or not self._is_in_place(voter, partition) or not (
                    in_sample(voter, self.level)):
                continue
            consultation, proposal = place
            day = consultation.today or consultation.wakes(self.day)
            time, row = max(0, min(instant - begins, latest)), day.rows.get(voter)
            if row is None:
                row = day.begin_unproven(
                    voter, time, proposal << CHOICE_BITS | choice, (*detail, 0))
                if day.flags[row] & FRESH:
                    day.joined(row, seen)
            day.ask(row, time, proposal)

    def fold(self, casts: Casts, now: int) -> None:
        """Fold votes of one day, in their order; every vote passes: straight."""
        begins, places, of = self.day * DAY_MS, self._places, None
        latest = min(now - begins, DAY_MS - 1)
        for time, partition, _, via, (
                event_id, voter, choice, _, origin, shown, pause, span) in casts:
            place = places.get(span)
            if place is None:
                continue
            consultation, proposal = place
            if consultation is not of:
                of, day = consultation, consultation.today or consultation.wakes(self.day)
                row_of, more, young = day.rows.get, day.more, day.young
            time -= begins  # noqa: PLW2901 -- that of the day, and no bad clock's
            if time < 0 or time > latest:
                time = 0 if time < 0 else latest  # noqa: PLW2901 -- as above
            if via:
                via = day.partner(via)  # noqa: PLW2901 -- known by its number from here on
            row = row_of(voter)
            if row is not None:
                more(row, time, proposal << CHOICE_BITS | choice, shown, via)
            elif self._is_in_place(voter, partition) and (
                    not self.level or in_sample(voter, self.level)):
                row = day.begin(
                    voter, time, proposal << CHOICE_BITS | choice, (origin, shown, pause, via))
                if day.flags[row] & FRESH:
                    self._join(consultation, day, row, event_id)
            if row is not None and proposal in young:
                day.voted_early(row, proposal, choice)

    def _join(self, consultation: Consultation, day: Day, row: int, event_id: bytes) -> None:
        """Join a fresh voter's first vote with its network, or have it wait."""
        seen = self._seen(event_id)
        if seen is not None:
            day.joined(row, seen)
        else:
            self._waiting[event_id] = consultation, row

    def settle(self, now: int) -> None:
        """End a batch: let go of what was waited for long enough, and obey the bounds."""
        begins = self.day * DAY_MS
        for event_id, (consultation, row) in list(self._waiting.items()):
            assert consultation.today is not None
            if begins + consultation.today.times[row] + NETWORK_WAIT_MS <= now:
                del self._waiting[event_id]
        waiting = [vote for vote in self._suspect.values() if vote[0] + NETWORK_WAIT_MS > now]
        self._suspect = {vote[-1][0]: vote for vote in waiting[-MAX_UNJOINED:]}
        if now - self._unjoined_since >= UNJOINED_MS or len(self._unjoined) >= MAX_UNJOINED:
            newest = list(self._unjoined.items())[-MAX_UNJOINED:]
            self._unjoined_before, self._unjoined = dict(newest), {}
            self._unjoined_since = now
        for day in self.days():
            day.window.move(now)
            day.work.settle(now - begins)
            day.review(now)
        while sum(len(day.voters) for day in self.days()) > MAX_VOTERS:
            self._thin()

    def days(self) -> list[Day]:
        """Return the day of each consultation that has one."""
        return [each.today for each in self.consultations.values() if each.today is not None]

    def _thin(self) -> None:
        """Look at half of the voters from here on, of all consultations."""
        self.level += 1
        for consultation in self.consultations.values():
            consultation.known.thin(self.level)
            day = consultation.today
            if day is not None:
                self._renumber(consultation, day, day.thin(self.level))

    def _renumber(self, consultation: Consultation, day: Day, numbers: dict[int, int]) -> None:
        for groups in day.groups.values():
            for group in groups.values():
                group.renumber(numbers)
        hurried = day.groups.get(HURRIED, {})
        day.groups[HURRIED] = {
            numbers[row]: group for row, group in hurried.items() if row in numbers}
        for event_id, (waiting, row) in list(self._waiting.items()):
            if waiting is consultation:
                del self._waiting[event_id]
                if row in numbers:
                    self._waiting[event_id] = consultation, numbers[row]


_ASKED = bytes((ASKED,))


def parts_of(
    casts: Casts, asked: Sequence[AskedVote], day: int, now: int
) -> list[tuple[int, Casts, Sequence[AskedVote]]]:
    """Split a batch by day: votes that count, and those for which the door asked something."""
    parts = days_of(casts, day, now)
    if asked:
        last = min(asked[-1][0][0], now) // DAY_MS
        if not parts or parts[-1][0] < last:
            parts.append((max(day, last), ()))
    whole, rest = [], asked
    for number, (each, part) in enumerate(parts):
        is_last = number == len(parts) - 1
        own = rest if is_last else [one for one in rest if one[0][0] < (each + 1) * DAY_MS]
        rest = rest[len(own):]
        whole.append((each, part, own))
    return whole


def days_of(casts: Casts, day: int, now: int) -> list[tuple[int, Casts]]:
    """Split ordered votes by the day they belong to, none before `day` and none after now's.

    A vote that comes late belongs to the day that has begun; one whose clock is ahead to now's.
    """
    if not casts:
        return [(day, casts)] if day >= 0 else []
    parts: list[tuple[int, Casts]] = []
    last, start = now // DAY_MS, 0
    while start < len(casts):
        day = max(day, min(casts[start][0], now) // DAY_MS)
        end = len(casts) if day >= last else bisect_left(casts, (day + 1) * DAY_MS, key=_instant)
        parts.append((day, casts[start:end]))
        start = end
    return parts


def _instant(cast: Vote) -> int:
    return cast[0]
