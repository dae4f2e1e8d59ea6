"""Traffic to judge: honest crowds and attacks by seed, as the records of a log with its cuts."""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from processors.guard.inputs import Batch, Cut, beginning
from processors.guard.judging import Judgement, judge
from processors.guard.parameters import Rules
from processors.guard.state import PatrolState
from schemas import codec
from schemas.hot import encoder
from schemas.registry import versions
from schemas.topics import partition_of
from schemas.words import ORIGINS


CONSULTATION = "jeunes"
BEGAN_AT = 19_080 * 86_400_000 + 18 * 3_600_000
"""18 h of a day of the campaign."""
PARTITIONS = 3
PROPOSALS = 40
CUT_MS = 5_000
AGREE, DISAGREE, NEUTRAL = range(3)
SERVED, ASKED = 1, 2
WEB, IMPORT = ORIGINS.index("web"), ORIGINS.index("import")

FIRST_CHANGE = {"event_id": bytes(15) + b"1", "follows": bytes(16)}
"""Of a change of a rule that is the first."""

_encode = encoder("VoteCast", 2)


@dataclass(frozen=True)
class Vote:
    """A vote as it is cast."""

    time: int
    voter: bytes
    network: bytes | None
    proposal: int
    choice: int = AGREE
    shown: int = ASKED
    pause: int = 6
    origin: int = WEB
    trust: int = 0
    consultation: str = CONSULTATION
    via: int = 0
    block: bytes | None = None
    """With one, records of networks are of version 2."""
    challenged: str = "none"


@dataclass
class Log:
    """Records with the instant at which each can be read."""

    votes: list[list[tuple[int, bytes]]]
    networks: list[tuple[int, bytes]] = field(default_factory=list)
    catalogue: list[tuple[int, bytes]] = field(default_factory=list)

    def cuts(self, every: int = CUT_MS, wait: int = 0) -> list[Cut]:
        """Return the cuts of one look after another, from the first record to the last."""
        times = [time for records in (*self.votes, self.networks) for time, _ in records]
        ends = range(min(times) + every, max(times) + every + wait, every)
        counted = [sorted(time for time, _ in records)
                   for records in (*self.votes, self.networks, self.catalogue)]
        return [Cut(tuple(found[:-2]), *found[-2:]) for end in ends
                for found in [[_until(times, end) for times in counted]]]


def _until(times: list[int], end: int) -> int:
    return bisect_right(times, end) - 1


def accepted(consultation: str = CONSULTATION, proposals: int = PROPOSALS) -> Iterator[bytes]:
    """Yield the catalogue's records of some proposals."""
    for number in range(proposals):
        yield codec.encode(
            "ProposalAccepted", event_id=number.to_bytes(16, "big"), consultation=consultation,
            proposal=f"p{number}", text={"fr": "Il faut."}, author=None,
            origin="operator", occurred_at=0)


def grouped(consultation: str = CONSULTATION, proposals: int = PROPOSALS) -> Iterator[bytes]:
    """Yield the catalogue's records that make ideas of four proposals each, all but the last."""
    for number in range(proposals - 4):
        yield codec.encode(
            "ProposalGrouped", event_id=number.to_bytes(16, "big"), consultation=consultation,
            proposal=f"p{number}", idea=f"i{number // 4}", origin="operator", occurred_at=0)


def log_of(
    votes: Iterable[Vote], *, seed: int = 0, lost: float = 0, late_ms: int = 50,
    clocks: Callable[[random.Random], int] = lambda _: 0, proposals: int = PROPOSALS
) -> Log:
    """Write votes as gateways do: networks apart, a little later, some lost."""
    chance, log = random.Random(seed), Log([[] for _ in range(PARTITIONS)])
    log.catalogue = [(0, value) for value in (*accepted(proposals=proposals), *grouped())]
    seen: list[tuple[int, bytes, Vote]] = []
    for vote in sorted(votes, key=lambda one: (one.time, one.voter)):
        event_id = chance.randbytes(16)
        value = _encode(event_id, vote.voter, bytes(16), vote.choice, vote.trust, vote.origin,
                        vote.shown, vote.pause, vote.consultation, f"p{vote.proposal}",
                        vote.time + clocks(chance), vote.via, -1)
        log.votes[partition_of(vote.voter, PARTITIONS)].append((vote.time, value))
        if vote.network is not None and chance.random() >= lost:
            seen.append((vote.time + late_ms, event_id, vote))
    log.networks = [(time, _seen(time, event_id, vote))
                    for time, event_id, vote in sorted(seen, key=lambda one: one[:2])]
    return log


def _seen(time: int, event_id: bytes, vote: Vote) -> bytes:
    assert vote.network is not None
    if vote.block is None:
        return networks_seen(time, {event_id: vote.network})
    return codec.encode(
        "NetworksSeen", events=[event_id], networks=[vote.network], occurred_at=time,
        challenged=[vote.challenged], blocks=[vote.block])


def networks_seen(time: int, networks: dict[bytes, bytes]) -> bytes:
    """Encode where some events came from, as in version 1."""
    return codec.encode_as(versions("NetworksSeen")[0], events=list(networks),
                           networks=list(networks.values()), occurred_at=time)


def batches(log: Log, cuts: Sequence[Cut], fetch: int = 10_000,
            shuffle: random.Random | None = None) -> Iterator[Batch]:
    """Fetch a log up to each cut, so many records at a time, from partitions in any order."""
    before = beginning(PARTITIONS)
    for cut in cuts:
        batch, tasks = Batch(before, cut), []
        for partition, records in enumerate(log.votes):
            tasks.append([(partition, chunk) for chunk in _chunks(
                records, before.votes[partition], cut.votes[partition], fetch)])
        tasks.append([(-1, chunk) for chunk in _chunks(
            log.networks, before.networks, cut.networks, fetch)])
        tasks.append([(-2, chunk) for chunk in _chunks(
            log.catalogue, before.catalogue, cut.catalogue, fetch)])
        while any(tasks):
            some = [task for task in tasks if task]
            place, chunk = (shuffle.choice(some) if shuffle else some[0]).pop(0)
            if place == -1:
                batch.add_networks(chunk)
            elif place == -2:
                batch.add_catalogue(chunk)
            else:
                batch.add_votes(place, chunk)
        yield batch
        before = cut


def _chunks(
    records: list[tuple[int, bytes]], after: int, until: int, size: int
) -> Iterator[list[tuple[int, bytes]]]:
    for start in range(after + 1, until + 1, size):
        offsets = range(start, min(start + size, until + 1))
        yield [(offset, records[offset][1]) for offset in offsets]


def judged(log: Log, rules: Rules | None = None, *, cuts: Sequence[Cut] | None = None,
           fetch: int = 10_000, shuffle: random.Random | None = None,
           clock_ms: int = 0) -> tuple[PatrolState, list[Judgement]]:
    """Judge a log, cut by cut, by the newest rules unless told.

    The patrol's clock is that of the log and so much more.
    """
    state, found, cuts = PatrolState(PARTITIONS), [], cuts or log.cuts()
    rules = rules or Rules.of_code()
    for number, batch in enumerate(batches(log, cuts, fetch, shuffle)):
        clock = BEGAN_AT + (number + 1) * CUT_MS + clock_ms
        found.append(judge(state, batch, rules, max(clock, batch_clock(log, batch))))
    return state, found


def batch_clock(log: Log, batch: Batch) -> int:
    """Return when a batch can be read whole."""
    return max((records[last][0] for records, last in zip(
        log.votes, batch.until.votes, strict=True) if last >= 0), default=0)


def named(judgements: Iterable[Judgement], rule: int | None = None, *, marked: bool = True
          ) -> set[bytes]:
    """Return the voters that findings name, of one rule or of all, bearing a mark or not."""
    return {voter for one in judgements for finding in one.findings
            if rule in (None, finding.rule) and (finding.marks or not marked)
            for voter in finding.voters}


class Crowds:
    """Makes crowds; voters of each are known by their first bytes."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def voter(self, kind: bytes) -> bytes:
        """Make a voter of a kind: the kind is in the middle, where no bound looks."""
        return self.chance.randbytes(4) + kind[:4].ljust(4, b"-") + self.chance.randbytes(8)

    def network(self, kind: bytes) -> bytes:
        """Make a network."""
        return kind[:4].ljust(4, b"-") + self.chance.randbytes(12)

    def people(self, kind: bytes, count: int, times: Callable[[int], int],
               networks: Callable[[int], bytes], first: tuple[int, int, int] | None = None,
               alone: float = 0.5) -> Iterator[Vote]:
        """Make people: a first vote, asked where it is given, and served ones for some.

        `first` is proposal, choice and percent who choose it; `alone` is the share of those who
        vote once.
        """
        chance = self.chance
        popular = list(accumulate(1 / rank for rank in range(1, PROPOSALS + 1)))
        for number in range(count):
            voter, time, network = self.voter(kind), times(number), networks(number)
            drawn = chance.choices(range(PROPOSALS), cum_weights=popular, k=8)
            if first is not None and chance.random() * 100 < first[2]:
                yield Vote(time, voter, network, first[0], first[1], ASKED, self.pause())
            else:
                shown = ASKED if first is not None or chance.random() < 0.2 else SERVED
                yield Vote(time, voter, network, drawn[0], self.choice(), shown, self.pause())
            if chance.random() >= alone:
                for proposal in drawn[1:1 + chance.randrange(1, 7)]:
                    time += chance.randrange(4_000, 20_000)
                    yield Vote(time, voter, network, proposal, self.choice(), SERVED, self.pause())

    def choice(self) -> int:
        """Choose as most do."""
        return self.chance.choices((AGREE, DISAGREE, NEUTRAL), (62, 25, 13))[0]

    def pause(self) -> int:
        """Take one's own time: a lognormal of six seconds, in buckets."""
        milliseconds = self.chance.lognormvariate(8.7, 0.9)
        return min(14, (1 + int(milliseconds) // 125).bit_length() - 1)

    def ordinary(self, count: int, minutes: int) -> list[Vote]:
        """Ordinary voters: most on mobile networks or at home, some by a link."""
        mobile = [self.network(b"mob") for _ in range(60)]
        weights = list(accumulate(rank ** -0.6 for rank in range(1, 61)))
        homes = [self.network(b"home") for _ in range(max(1, count // 2))]
        return list(self.people(
            b"ordi", count, lambda _: BEGAN_AT + self.chance.randrange(minutes * 60_000),
            lambda _: self.chance.choices(mobile, cum_weights=weights)[0]
            if self.chance.random() < 0.55 else self.chance.choice(homes)))

    def school(self, *, own: bool, count: int = 900, minutes: int = 50) -> list[Vote]:
        """A lycée on one network, class by class, on what is served or on a proposal of its own."""
        network, proposal = self.network(b"lyc"), self.chance.randrange(PROPOSALS)
        classes = [BEGAN_AT + self.chance.randrange(minutes * 60_000) for _ in range(30)]
        return list(self.people(
            b"scho", count,
            lambda number: classes[number % 30] + int(self.chance.expovariate(1 / 40_000)),
            lambda _: network, (proposal, AGREE, 95) if own else None, alone=0.3))

    def mailing(self, count: int = 1_500, minutes: int = 50) -> list[Vote]:
        """Members of an association, all over the country, for one proposal; most vote once."""
        proposal, homes = 7, [self.network(b"ngo") for _ in range(count * 20)]
        return list(self.people(
            b"mail", count,
            lambda _: BEGAN_AT + min(int(self.chance.expovariate(1 / 600_000)), minutes * 60_000),
            lambda _: self.chance.choice(homes), (proposal, AGREE, 97), alone=0.8))

    def robots(self, count: int, prefixes: int, gap_ms: float, *, spread: float = 0.1,
               human: bool = False) -> list[Vote]:
        """Scripts that cast one vote each on one proposal, over some prefixes, at even gaps."""
        networks = [self.network(b"bot") for _ in range(prefixes)]
        gaps = (gap_ms * self.chance.uniform(1 - spread, 1 + spread) for _ in range(count))
        times = list(accumulate(gaps))
        return [Vote(BEGAN_AT + 60_000 + int(times[number]), self.voter(b"bots"),
                     networks[number % prefixes], 11, AGREE, ASKED,
                     self.pause() if human else 4) for number in range(count)]


def kinds(voters: Iterable[bytes]) -> dict[bytes, int]:
    """Count voters by kind."""
    found: dict[bytes, int] = {}
    for voter in voters:
        found[voter[4:8]] = found.get(voter[4:8], 0) + 1
    return found


def again(votes: Iterable[Vote]) -> list[Vote]:
    """Cast everything a second time, two seconds later."""
    return [one for vote in votes for one in (vote, replace(vote, time=vote.time + 2_000))]
