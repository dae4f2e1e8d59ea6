"""Groups that were found, and what is said of them: ids, evidence, who newly belongs to one. Pure.

Theory of operation: a group is a rule, its version, an item and a place (a network, a stratum of
networks, a voter) on one day. It keeps the id of its first finding as long as the day lasts, and a
voter is named for it once as one of its members, and once as one to be suspended.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from processors.guard.counts import Counts
from processors.guard.marks import HANDS_LEAST, METRONOME_LEAST, PACE_LEAST, Mark
from processors.guard.parameters import FIRST_VERSION, SET_ASIDE, Rule
from schemas.hot import long, short_string


FINDING_BYTES = 16
OF_PROPOSAL = 3
"""Stands for the choice of an item that is about a proposal as such."""
Numbers = tuple[tuple[str, int], ...]


class Found(NamedTuple):
    """What a rule says of a group in one judgement, before it has an id."""

    group: "Told"
    rule: Rule
    item: int
    """Proposal and choice; -1 where it is about neither."""
    numbers: Numbers
    marks: tuple[int, ...]
    voters: tuple[bytes, ...]
    """Who is named for it now, in ascending order."""


@dataclass(frozen=True)
class Finding:
    """What a judgement says of a group."""

    finding: bytes
    rule: int
    version: int
    mode: int
    consultation: str
    day: int
    proposal: str
    choice: int
    numbers: Numbers
    marks: tuple[int, ...]
    voters: tuple[bytes, ...]

    @property
    def suspends(self) -> bool:
        """Whether its voters are to be suspended, and not reported alone."""
        return bool(self.voters) and self.mode == SET_ASIDE and bool(self.marks)


class Told:
    """What is remembered of something that was found and names nobody."""

    __slots__ = ("finding", "looked")

    def __init__(self) -> None:
        self.finding = b""
        self.looked = 0
        """Its size when it was last looked at."""


class Group(Told):
    """What is remembered of a group of voters that was found."""

    __slots__ = ("answering", "asked", "bearing", "block", "counts", "fresh", "had_time",
                 "immature", "kinds", "looked_answered", "looked_mature", "marks", "members",
                 "networks", "numbers", "read_until", "recast", "reported", "suspended", "told")

    def __init__(self) -> None:
        super().__init__()
        self.members: list[int] = []
        """Rows of its voters."""
        self.fresh: list[int] = []
        """Those that came since the last judgement."""
        self.immature: list[int] = []
        """Those whose ballots are not read yet."""
        self.counts: Counts | None = None
        """What is counted of its voters; None until they are counted, or counted anew."""
        self.recast: dict[int, bytes] = {}
        """Those who cast something more since the last look, with their ballot as it was then."""
        self.read_until = 0
        """Ballots were read of first votes up to here, in milliseconds since midnight."""
        self.networks: frozenset[int] = frozenset()
        """Of a stratum: whose voters they are."""
        self.block = -1
        """Of a stratum that is a block: its number."""
        self.answering = False
        """Whether at the last look somebody still had time to do what was asked."""
        self.asked: set[int] = set()
        """Of whom something was asked who still have time for it, or did it since that look."""
        self.had_time: set[int] = set()
        """Those who did it by then, or could have."""
        self.looked_answered = 0
        """Members who had had that time when marks were last looked for."""
        self.looked_mature = 0
        """Members whose ballots were read when marks were last looked for."""
        self.marks: tuple[Mark, ...] = ()
        """The marks it bore then."""
        self.kinds: tuple[int, ...] = ()
        """Those by which somebody was last named."""
        self.numbers: Numbers = ()
        """The figures of that look."""
        self.bearing: set[int] = set()
        """Members that bear a mark, or bore one."""
        self.told: set[int] = set()
        """Those named as members, those named as bearing a mark, and those to be suspended."""
        self.reported: set[int] = set()
        self.suspended: set[int] = set()

    def came(self, row: int) -> None:
        """Take one more of its voters."""
        self.fresh.append(row)

    def begin_anew(self, rows: list[int]) -> None:
        """Have other voters, as if they came now."""
        self.fresh, self.members, self.immature, self.counts = rows, [], [], None
        self.recast.clear()
        self.asked.clear()
        self.had_time.clear()

    def takes(self, network: int, block: int) -> bool:
        """Whether voters of a network, and its block, are of a stratum."""
        return network in self.networks or (block == self.block and block >= 0)

    def grown(self, size: int) -> bool:
        """Whether it has grown by a quarter, or up to a mark's least, since it was looked at."""
        return 4 * size >= 5 * self.looked + (not self.looked) or any(
            self.looked < least <= size for least in (METRONOME_LEAST, PACE_LEAST))

    def ripe(self, mature: int, least: int) -> bool:
        """Whether so many more ballots can be read, from a least number on."""
        return mature >= least and 4 * mature >= 5 * self.looked_mature

    def waits(self, rule: Rule) -> bool:
        """Whether somebody bears a mark who is to be suspended and was not."""
        return rule.sets_aside and len(self.suspended) < len(self.bearing)

    def due(self, rule: Rule) -> bool:
        """Whether there is anything to look at: who came, who has had time, who bears a mark.

        Of version 2 on also who cast something more, and of whom something was asked since.
        """
        if rule.version > FIRST_VERSION and (self.recast or self.asked):
            return True
        return bool(self.fresh or self.immature or self.answering) or self.waits(rule)

    def answered(self, size: int) -> bool:
        """Whether so many more have had time to do what was asked, from a least number on."""
        return size >= HANDS_LEAST and 4 * size >= 5 * self.looked_answered

    def ripen(self, times: Sequence[int], read: int) -> list[int]:
        """Take those who came; return them and those whose ballots can be read from now on.

        `read` is the instant up to which first votes lie long enough back.
        """
        came, self.fresh = self.fresh, []
        self.members += came
        ripe = [row for row in self.immature if times[row] <= read]
        self.immature = [row for row in self.immature if times[row] > read]
        self.immature += [row for row in came if times[row] > read]
        return came + ripe

    def newly_bearing(self, rule: Rule) -> set[int]:
        """Return who bears a mark and was not named for it under the rule's mode; they are now."""
        done = self.suspended if rule.sets_aside else self.reported
        rows = self.bearing - done
        done |= rows
        return rows

    def renumber(self, numbers: dict[int, int]) -> None:
        """Go on with the rows that are left, under their new numbers."""
        for name in ("members", "fresh", "immature"):
            setattr(self, name, [numbers[row] for row in getattr(self, name) if row in numbers])
        for name in ("bearing", "told", "reported", "suspended", "asked", "had_time"):
            setattr(self, name, {numbers[row] for row in getattr(self, name) if row in numbers})
        self.counts = None
        self.recast.clear()
        self.looked = min(self.looked, len(self.members))
        self.looked_mature = min(self.looked_mature, len(self.members))
        self.looked_answered = min(self.looked_answered, len(self.members))


def finding_id(
    rule: Rule, consultation: str, day: int, item: tuple[str, int], judgement: int, ordinal: int
) -> bytes:
    """Return the id of a finding: of what it is about, when it was made, and which of several.

    `item` is proposal and choice; `ordinal` counts the groups of an item that one judgement finds,
    by their least voters.
    """
    proposal, choice = item
    said = b"".join((
        b"scrutin finding 1\n", long(rule.rule), long(rule.version), short_string(consultation),
        long(day), short_string(proposal), long(choice), long(judgement), long(ordinal)))
    return hashlib.sha256(said).digest()[:FINDING_BYTES]


def suspension_id(finding: bytes, voter: bytes) -> bytes:
    """Return the event id of a voter's suspension by a finding: sent again, it is the same."""
    return hashlib.sha256(b"scrutin suspension 1\n" + finding + voter).digest()[:FINDING_BYTES]


def reinstatement_id(finding: bytes, voter: bytes) -> bytes:
    """Return the event id of a voter's reinstatement from a finding: sent again, it is the same."""
    return hashlib.sha256(b"scrutin reinstatement 1\n" + finding + voter).digest()[:FINDING_BYTES]


def named(
    found: Sequence[Found], consultation: str, day: int, proposals: Sequence[str], judgement: int
) -> Iterable[Finding]:
    """Give groups that have none their ids, and say of each what the judgement says."""
    ordinals: dict[tuple[int, int], int] = {}
    for one in sorted((each for each in found if not each.group.finding),
                      key=lambda each: (each.rule.rule, each.item, each.voters[:1])):
        place = (one.rule.rule, one.item)
        ordinal = ordinals[place] = ordinals.get(place, -1) + 1
        one.group.finding = finding_id(
            one.rule, consultation, day, _item(one.item, proposals), judgement, ordinal)
    for one in found:
        proposal, choice = _item(one.item, proposals)
        yield Finding(one.group.finding, one.rule.rule, one.rule.version, one.rule.mode,
                      consultation, day, proposal, choice, one.numbers, one.marks, one.voters)


def _item(item: int, proposals: Sequence[str]) -> tuple[str, int]:
    if item < 0:
        return "", -1
    return proposals[item >> 2], item & 3 if item & 3 != OF_PROPOSAL else -1
