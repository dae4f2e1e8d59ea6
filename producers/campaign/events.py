"""Plays a plan: the events of the ballot box and the descriptions, in order of time.

Theory of operation: time is cut into slots. The voters who sit down in a slot are played in full;
each event falls into the slot of its own instant, which may be a later one. Then the slot is
complete, for nothing is played into the past: it is sorted, given out and forgotten. So events
come in order of time over all partitions and only what is still to come is held in memory. Within
a slot equal instants are ordered by partition and bytes, so a seed gives the same bytes always.
"""

import hashlib
import hmac
import random
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain

from producers.campaign import describe, priors
from producers.campaign.deal import CODES, MASKS
from producers.campaign.noise import (
    ASKED,
    ENDING_2,
    HEADERS_2,
    LATER,
    PLAIN,
    SERVED,
    SIMULATION,
    SUSPECT,
    Noise,
    Step,
    plain,
    proven,
    script,
    withdrawn,
)
from producers.campaign.plan import Plan
from producers.campaign.turnout import SLOT_MS
from producers.signing import FIRST, Controls
from schemas import codec, hot
from schemas.registry import HEADER_BYTES
from schemas.topics import partition_of


Event = tuple[int, int, int, bytes]
"""When it reaches the log, partition (the partition count: participants), Kafka timestamp, value.
Instants are milliseconds UTC; only deliveries again, and descriptions, which bear the begin of
their day, reach the log later than their timestamp."""
Play = Callable[[bytes, bytes, Sequence[Step], int], int]
"""Plays a script: voter, encoded proposal, steps, instant before; gives the instant after."""

LATER_MOST_MS = 3 * 86_400_000
"""Second thoughts come within three days."""
RANDOM_BLOCK_BYTES = 1 << 18
"""Identifiers and salts are drawn by blocks of this size: one draw each would cost more."""
SUSPENDED_AFTER_MS = 60_000
REINSTATED_AFTER_MS = 2 * 86_400_000
"""The suspended voter is suspended a minute into the sitting and reinstated two days after."""
LATE_WITHIN_MS = 86_400_000
"""Late votes come within a day of the closing."""
NEXT_PROPOSAL_MS = 20_000
"""A voter with second thoughts on a proposal goes on to the next after so long."""
SCRIPTED_VOTE_MS = 1_000
"""Votes without view proof come at the pace of a script."""
DESCRIBE_WAIT_MS = (5_000, 90_000)
DAY_MS = 86_400_000
ROUTES_OF = 5
"""Of so many votes one is cast on a proposal that was asked for, the others on what was served."""
OVERSIZE_BYTES = 16_384
"""Length of the name in an oversize record: far over its bound, far below the broker's."""

_IS_THERE = hot.long(1)
"""Branch of an optional field that is there."""
_NIBBLES = [bytes((n & 127 | 128, n >> 7 | 128)) for n in range(1 << 14)]
_LAST = [bytes((n & 127 | 128, n >> 7)) for n in range(1 << 14)]
"""Fourteen bits of an Avro long, and the last fourteen: instants of 1986 to 2039 take three."""


def instant(milliseconds: int) -> bytes:
    """Encode an instant as an Avro long; equal to `hot.long` from 1986 to 2039."""
    zigzag = milliseconds * 2
    return _NIBBLES[zigzag & 16383] + _NIBBLES[zigzag >> 14 & 16383] + _LAST[zigzag >> 28]


class Campaign:
    """A plan being played to a number of partitions; play it once, from front to back."""

    def __init__(self, plan: Plan, partitions: int, controls: Controls = FIRST) -> None:
        self.plan = plan
        self.controls = controls
        self.partitions = partitions
        self.opens_at = plan.published.opens_at
        self.closes_at = plan.published.closes_at
        self.consultation = plan.published.consultation
        seed = f"{self.consultation}:{plan.seed}"
        self.chance = random.Random(f"{seed}:events")
        self.pepper = hashlib.sha256(f"{seed}:pepper".encode()).digest()
        self.second_pepper = hashlib.sha256(f"{seed}:second pepper".encode()).digest()
        self.names = [
            hot.short_string(self.consultation) + hot.short_string(proposal.id)
            for proposal in plan.proposals
        ]
        slots = -(-(self.closes_at - self.opens_at) // SLOT_MS)
        self.slots: list[list[Event]] = [[] for _ in range(slots)]
        self.identifiers = chain.from_iterable(
            struct.iter_unpack("16s16s", self.chance.randbytes(RANDOM_BLOCK_BYTES))
            for _ in iter(int, 1)
        )
        self.play = self._player(self.slots, self.opens_at, self.closes_at)
        self._descriptions: dict[int, tuple[bytes, bytes]] = {}

    def voter(self, kind: bytes, number: int) -> bytes:
        """Return the pseudonym of a voter: HMAC of an identity under the campaign's pepper."""
        return hmac.digest(self.pepper, b"%s %d" % (kind, number), "sha256")[:16]

    def events(self) -> Iterator[list[Event]]:
        """Play the campaign up to its closing, slot by slot; empty slots are left out."""
        self._schedule_controls()
        self._schedule_undecodable()
        ordinary = suspect = 0
        arrivals = zip(
            self.plan.ordinary_arrivals, self.plan.suspect_arrivals, self.slots, strict=True
        )
        for slot, (ordinary_number, suspect_number, events) in enumerate(arrivals):
            begins = self.opens_at + slot * SLOT_MS
            for _ in range(ordinary_number):
                self._ordinary_sitting(ordinary, begins + int(self.chance.random() * SLOT_MS))
                ordinary += 1
            for _ in range(suspect_number):
                self._suspect_sitting(suspect, begins + int(self.chance.random() * SLOT_MS))
                suspect += 1
            if events:
                events.sort()
                yield events
                events.clear()

    def late_events(self) -> list[Event]:
        """Play the votes that come after the closing."""
        late: list[list[Event]] = [[]]
        ends_at = self.closes_at + LATE_WITHIN_MS
        play = self._player(late, self.closes_at, ends_at, slot_ms=ends_at)
        for voter, card in self.plan.late:
            proposal, code = divmod(card, CODES)
            at = self.closes_at + self.chance.randrange(LATE_WITHIN_MS // 2)
            play(self.voter(b"voter", voter), self.names[proposal], PLAIN[code], at)
        late[0].sort()
        return late[0]

    def _player(
        self, slots: list[list[Event]], begins_at: int, ends_at: int, *, slot_ms: int = SLOT_MS
    ) -> Play:
        """Make the function that plays scripts into slots; a closure, for it is the hot loop."""
        identifiers, random_share, partitions = (
            self.identifiers, self.chance.random, self.partitions
        )
        join, low, last = b"".join, _NIBBLES, _LAST
        headers, ending = (HEADERS_2, ENDING_2) if self.controls.rules > 1 else ({}, b"")

        def play(voter: bytes, names: bytes, steps: Sequence[Step], at: int) -> int:
            partition = partition_of(voter, partitions)
            first, way = None, b""
            if ending:
                way = SERVED if (voter[-1] + names[-1]) % ROUTES_OF else ASKED
            for header, codes, wait_ms, spread_ms in steps:
                if spread_ms == LATER:
                    left = min(ends_at - at, LATER_MOST_MS)
                    at += 1_000 + int(random_share() ** 2 * (left - left // 4))
                else:
                    at += wait_ms + int(random_share() * spread_ms)
                if header:
                    event_id, salt = next(identifiers)
                    zigzag = at * 2
                    event = (at, partition, at, join((
                        headers.get(header, header), event_id, voter, salt, codes, way, names,
                        low[zigzag & 16383], low[zigzag >> 14 & 16383], last[zigzag >> 28], ending,
                    )))
                    first = first or event
                else:
                    assert first is not None
                    event = (at, partition, first[2], first[3])
                slots[(at - begins_at) // slot_ms].append(event)
            return at

        return play

    def _ordinary_sitting(self, number: int, at: int) -> None:
        plan, play, names = self.plan, self.play, self.names
        voter = self.voter(b"voter", number)
        for position in range(plan.starts[number], plan.starts[number + 1]):
            proposal, code = divmod(plan.deck[position], CODES)
            kind = plan.noise[position]
            if not kind:
                at = play(voter, names[proposal], PLAIN[code], at)
                continue
            # Second thoughts may take days: the sitting goes on meanwhile.
            play(voter, names[proposal], script(Noise(kind), code, self.chance), at)
            at += NEXT_PROPOSAL_MS
            if kind == Noise.WITHDRAWN:
                proposal, code = divmod(plan.withdrawn[position], CODES)
                play(voter, names[proposal], withdrawn(code // MASKS), at)
        if plan.descriptions[number]:
            self._describe(number, at)

    def _suspect_sitting(self, number: int, at: int) -> None:
        each = priors.SUSPECT_VOTES_EACH
        voter = self.voter(b"suspect", number)
        proven_cards = priors.PROVEN_EACH if number < self.plan.amounts.proven_voters else 0
        cards = self.plan.suspect[number * each:(number + 1) * each]
        for place, card in enumerate(cards):
            proposal, code = divmod(card, CODES)
            steps = proven(code) if place < proven_cards else plain(code, SUSPECT)
            self.play(voter, self.names[proposal], steps, at)
            at += SCRIPTED_VOTE_MS

    def _describe(self, number: int, at: int) -> None:
        """Donate the description of a voter, under the participant's own pseudonym."""
        final = self.plan.descriptions[number]
        given = [final]
        if number in self.plan.described_again:
            given.insert(0, final % len(describe.numbers()) + 1)
        participant = hmac.digest(self.second_pepper, b"voter %d" % number, "sha256")[:16]
        wait_ms, spread_ms = DESCRIBE_WAIT_MS
        for description in given:
            at += wait_ms + int(self.chance.random() * spread_ms)
            header, body = self._description(description)
            event_id, _ = next(self.identifiers)
            day = at // DAY_MS
            value = b"".join((header, event_id, participant, body, instant(day * DAY_MS),
                              _IS_THERE, hot.long(day)))
            self.slots[(at - self.opens_at) // SLOT_MS].append(
                (at, self.partitions, day * DAY_MS, value))

    def _description(self, number: int) -> tuple[bytes, bytes]:
        """Cut header and description out of an encoded sample; few differ, so they are kept."""
        if number not in self._descriptions:
            gender, age_band, region = describe.description(number)
            sample = codec.encode(
                "ParticipantDescribed", event_id=bytes(16), participant=bytes(16),
                consultation=self.consultation, gender=gender, age_band=age_band, region=region,
                origin="simulation", occurred_at=0, day=0,
            )
            self._descriptions[number] = (
                sample[:HEADER_BYTES], sample[HEADER_BYTES + 32:-len(b"\0" + _IS_THERE + b"\0")])
        return self._descriptions[number]

    def _schedule(self, at: int, partition: int, value: bytes) -> None:
        self.slots[(at - self.opens_at) // SLOT_MS].append((at, partition, at, value))

    def _schedule_controls(self) -> None:
        """Suspend and reinstate one voter; the slot of the sitting follows from the arrivals."""
        arrived = list(accumulate(self.plan.ordinary_arrivals))
        slot = bisect_right(arrived, self.plan.suspended)
        voter = self.voter(b"voter", self.plan.suspended)
        suspended_at, finding = self.opens_at + slot * SLOT_MS + SLOT_MS, b""
        for event, at, reason in (
            ("VoterSuspended", suspended_at + SUSPENDED_AFTER_MS,
             "Rythme de vote inhabituel, à vérifier."),
            ("VoterReinstated", min(suspended_at + REINSTATED_AFTER_MS, self.closes_at - 1),
             "Vérification faite : une personne très assidue."),
        ):
            event_id, salt = next(self.identifiers)
            finding = finding or event_id
            partition = partition_of(voter, self.partitions)
            self._schedule(at, partition, self.controls.encoded(
                event, partition, event_id=event_id, voter=voter, consultation=self.consultation,
                reason=reason, salt=salt, origin="operator", occurred_at=at,
                **({"finding": finding} if event == "VoterSuspended" else
                   {"findings": [{"cause": 0, "finding": finding}]}),
            ))

    def _schedule_undecodable(self) -> None:
        """Spread records that name a known schema but hold no event of it."""
        amounts, chance = self.plan.amounts, self.chance
        encode = hot.encoder("VoteCast")
        damages: list[Callable[[bytes], bytes]] = [
            *[lambda value: value[:-chance.randrange(1, 20)]] * amounts.truncated,
            *[lambda value: value + chance.randbytes(3)] * amounts.trailing,
            *[_oversize] * amounts.oversize,
        ]
        for damage in damages:
            voter, (event_id, salt) = chance.randbytes(16), next(self.identifiers)
            at = chance.randrange(self.opens_at, self.closes_at)
            value = encode(event_id, voter, salt, 0, 0, SIMULATION, self.consultation,
                           self.plan.proposals[0].id, at)
            self._schedule(at, partition_of(voter, self.partitions), damage(value))


def _oversize(value: bytes) -> bytes:
    """Replace the names by one longer than any ledger reads."""
    return value[:HEADER_BYTES + 51] + hot.long(OVERSIZE_BYTES) + bytes(OVERSIZE_BYTES)
