"""A consultation's UTC day: who voted, what, from where; all that the rules look at. Pure.

Theory of operation: each voter of the day is a row of packed numbers, the first thing cast that day
apart from what came after. Every count follows from the rows that are there, so that a sample of
the voters has the counts it would have had from the morning on.

An item is a proposal and a choice. A voter is fresh who never voted on the consultation before; the
group of a fresh voter is network and first item, if that was asked for or nobody can tell.
"""

from array import array
from collections.abc import Iterator

from processors.guard.blocks import Blocks
from processors.guard.findings import Group, Told
from processors.guard.flags import (
    FRESH,
    OF_PEOPLE,
    PAUSE_MASK,
    SHOWN_MASK,
    SHOWN_SHIFT,
    USUAL,
    USUAL_ASKED,
    USUAL_OF_ITEM,
    was_served,
)
from processors.guard.inputs import BLOCK_AT, CHALLENGED_AT, EXEMPT, NOT_CHALLENGED
from processors.guard.known import Known
from processors.guard.sampling import in_sample
from processors.guard.watched import Watched
from processors.guard.window import ITEM_BITS, ITEM_MASK, NETWORK_COUNTS_MOST, Window
from processors.guard.work import Work


DAY_MS = 86_400_000
MAX_GROUPS = 20_000
"""Groups of a rule and day; of further ones nothing is said."""
MAX_VOTERS = 500_000
"""Voters of a day that are looked at; of more, a sample. With all that is counted of them, and
three votes each, all of them in groups, 500 MB at most."""
MAX_BALLOT = 200
"""Items of a voter and day that are remembered."""
MAX_PARTNERS = 255
"""Partners of a day that are told apart; the others are none."""
SAMPLED_OF_NETWORK = 3
"""So many voters of a network say what is usual: nobody shapes it from one place."""
CHOICE_BITS = 2

# A later item of the day: its instant within the day, how it was reached, the partner, the item.
VIA_SHIFT = ITEM_BITS
ROUTE_SHIFT = VIA_SHIFT + 8
TIME_SHIFT = ROUTE_SHIFT + 2
PROPOSAL_MASK = ITEM_MASK ^ (1 << CHOICE_BITS) - 1

HASTY_ITEMS = 20
"""A voter with so many items is looked at."""
GROUP_OF_INTEREST = 10
"""A network with so many voters on an item is looked at."""
REVIEW_MS = 300_000
"""What has not grown is looked at so often."""
EARLY_VOTES, NEXT_VOTES = 30, 100
"""A proposal's first votes are compared with its next ones."""
NETWORK_OF_INTEREST = 3
"""A network with so many is one of many alike."""


class Day:
    """One day of a consultation; `begin` and `more` take votes, `joined` says where from."""

    def __init__(self, number: int, known: Known, ideas: dict[int, str]) -> None:
        self.number = number
        """Days since 1970."""
        self.begins = number * DAY_MS
        """Midnight, in milliseconds since 1970."""
        self.known = known
        self.ideas = ideas
        """Of proposals that are grouped."""
        self.rows: dict[bytes, int] = {}
        self.voters: list[bytes] = []
        self.times = array("i")
        """Milliseconds since midnight of the first vote of the day."""
        self.networks = array("i")
        """Number of the network; -1 where none is known."""
        self.items = array("i")
        self.flags = array("H")
        self.partners = array("B")
        self.later: dict[int, array[int]] = {}
        """Further items of a row."""
        self.hasty: set[int] = set()
        """Rows that had many items when they got another one."""
        self.numbers: dict[bytes, int] = {}
        """Networks by name."""
        self.blocks = Blocks()
        self.work = Work()
        self.groups: dict[int, dict[int, Group]] = {}
        """Groups that were found, by rule and place."""
        self.told: dict[tuple[int, int], Told] = {}
        """What was found besides."""
        self.watched = Watched(self.ballot_bytes)
        self.reviewed = -1
        """The span of time in which all was last looked at."""
        self.slots: dict[int, int] = {}
        """The span of time in which a rule last looked that does not look each time."""
        self.young: dict[int, dict[int, int]] = {}
        """Choices by row, the first votes first, of proposals that had none before today."""
        self.begun: set[int] = set()
        """Proposals of today whose first votes were looked at."""
        self.partner_numbers: dict[int, int] = {}
        """Partners of today's votes, by their numbers in the log; rows hold their place here."""
        self.grown_up: set[int] = set()
        """Those of them that have so many first votes, or next ones, as are compared."""
        self._clear_counts()

    def _clear_counts(self) -> None:
        self.window = Window()
        self.sizes: list[int] = [0] * len(self.numbers)
        """Fresh voters of each network."""
        self.asked_sizes: list[int] = [0] * len(self.numbers)
        self.pairs: dict[int, int] = {}
        """Fresh voters of each group."""
        self.blocks.clear()
        self.counted_voters = 0
        """Fresh voters with a network, no network counted more than NETWORK_COUNTS_MOST."""
        self.counted_items: dict[int, int] = {}
        """The same of each item."""
        self.rows_of: dict[int, array[int]] = {}
        """Rows of all groups of an item."""
        self.networks_of: dict[int, list[int]] = {}
        """Networks with NETWORK_OF_INTEREST voters or more on an item."""
        self.touched: set[int] = set()
        """Pairs of interest that have grown."""
        self.touched_items: set[int] = set()
        """Items that have grown in a network most of whose fresh voters came for them."""
        self.pairs_of_interest: list[int] = []
        self.paces = [0] * 16
        """Pauses of first votes, of the usual rows."""
        self.asked, self.single = 0, 0
        """Usual rows that asked, and those of them that have one item only."""

    def partner(self, via: int) -> int:
        """Return the number of a partner in this day's rows; 0 where too many were met before."""
        number = self.partner_numbers.get(via)
        if number is None:
            if len(self.partner_numbers) == MAX_PARTNERS:
                return 0
            number = self.partner_numbers[via] = len(self.partner_numbers) + 1
        return number

    def begin(self, voter: bytes, time: int, item: int, detail: tuple[int, int, int, int]) -> int:
        """Take a voter's first vote of the day: origin, route, pause and partner; return its row.

        `time` is in milliseconds since midnight.
        """
        origin, shown, pause, via = detail
        row = self.rows[voter] = len(self.voters)
        self.voters.append(voter)
        self.times.append(time)
        self.networks.append(-1)
        self.items.append(item)
        flags = pause | shown << SHOWN_SHIFT
        if origin not in EXEMPT:
            is_known = len(self.known) and voter in self.known
            flags |= OF_PEOPLE if is_known else OF_PEOPLE | FRESH
        self.flags.append(flags)
        self.partners.append(via)
        return row

    def more(self, row: int, time: int, item: int, shown: int, via: int) -> None:
        """Take another vote of a row; one on the same item is passed over."""
        if row in self.work.asked_at:
            self._answer(row, time, item)
        first, held = self.items[row], self.later.get(row)
        if first == item:
            return
        packed = (time << 2 | shown) << ROUTE_SHIFT | via << VIA_SHIFT | item
        if held is None:
            self.later[row] = array("q", (packed,))
            if self.flags[row] & USUAL_ASKED:
                self.single -= 1
        else:
            for one in held:
                if not (one ^ item) & ITEM_MASK:
                    return
            if len(held) == MAX_BALLOT - 1:
                return
            held.append(packed)
            if len(held) >= HASTY_ITEMS - 1:
                self.hasty.add(row)
        if first in self.watched.usual:
            self._recast(row, item)

    def _recast(self, row: int, item: int) -> None:
        """Take the ballot of somebody who has cast an item more, where groups are looked at."""
        before = array("i", (one for one in self.ballot(row) if one != item)).tobytes()
        for pair, block in self._place(row):
            self.watched.recast(
                row, pair, block, before, is_usual=bool(self.flags[row] & USUAL_OF_ITEM))

    def _place(self, row: int) -> Iterator[tuple[int, int]]:
        """Give the pair and the block that a voter is counted in, if in any."""
        network = self.networks[row]
        if network >= 0 and not was_served(self.flags[row]):
            yield network << ITEM_BITS | self.items[row], self.blocks.of_network[network]

    def _now_asked(self, row: int) -> None:
        for place in self._place(row):
            for group in self.watched.at(*place):
                group.asked.add(row)

    def joined(self, row: int, seen: bytes) -> None:
        """Say what was seen of a fresh voter's first vote: its network, and more if it is known."""
        network = seen[:BLOCK_AT]
        number = self.numbers.get(network)
        if number is None:
            number = self.numbers[network] = len(self.sizes)
            self.sizes.append(0)
            self.asked_sizes.append(0)
            self.blocks.add_network(seen[BLOCK_AT:CHALLENGED_AT])
        self.networks[row] = number
        self._count(row, number)
        if len(seen) > CHALLENGED_AT and seen[CHALLENGED_AT] != NOT_CHALLENGED and (
                row not in self.work.unproven):
            self.work.answer(row, self.times[row])  # It counts: so it answers.

    def begin_unproven(self, voter: bytes, time: int, item: int, detail: tuple[int, int, int, int]
                       ) -> int:
        """Take a vote that does not count, for the door asks something; return the row."""
        row = self.begin(voter, time, item, detail)
        self.flags[row] &= ~OF_PEOPLE
        self.work.unproven.add(row)
        return row

    def ask(self, row: int, time: int, proposal: int) -> None:
        """Take note that something was asked of a voter, if for what was cast first."""
        if self.items[row] >> CHOICE_BITS == proposal:
            self.work.ask(row, time)
            self._now_asked(row)

    def _answer(self, row: int, time: int, item: int) -> None:
        """Take a vote that counts of somebody of whom something was asked."""
        if row in self.work.unproven:
            self.work.unproven.remove(row)
            self.flags[row] |= OF_PEOPLE
        if not (self.items[row] ^ item) & PROPOSAL_MASK:
            self.work.answer(row, time)
            self._now_asked(row)

    def _count(self, row: int, network: int) -> None:
        flags = self.flags[row]
        size = self.sizes[network] = self.sizes[network] + 1
        self.counted_voters += size <= NETWORK_COUNTS_MOST
        self.blocks.count(network)
        if size <= SAMPLED_OF_NETWORK:
            flags |= USUAL
            self.paces[flags & PAUSE_MASK] += 1
        time = self.begins + self.times[row]
        if was_served(flags):
            self.window.add(time, network, None)
            self.flags[row] = flags
            return
        asked = self.asked_sizes[network] = self.asked_sizes[network] + 1
        if asked <= SAMPLED_OF_NETWORK:
            flags |= USUAL_ASKED
            self.asked += 1
            self.single += row not in self.later
        item = self.items[row]
        pair = network << ITEM_BITS | item
        self.window.add(time, network, pair)
        self.flags[row] = self._count_pair(row, pair, item, flags)

    def _count_pair(self, row: int, pair: int, item: int, flags: int) -> int:
        held = self.pairs[pair] = self.pairs.get(pair, 0) + 1
        if held <= NETWORK_COUNTS_MOST:
            self.counted_items[item] = self.counted_items.get(item, 0) + 1
        rows = self.rows_of.get(item)
        if rows is None:
            rows = self.rows_of[item] = array("i")
        rows.append(row)
        if held >= NETWORK_OF_INTEREST:
            if held == NETWORK_OF_INTEREST:
                self.networks_of.setdefault(item, []).append(pair >> ITEM_BITS)
            if 2 * held > self.sizes[pair >> ITEM_BITS]:
                self.touched_items.add(item)
            if held >= GROUP_OF_INTEREST:
                self.touched.add(pair)
                if held == GROUP_OF_INTEREST:
                    self.pairs_of_interest.append(pair)
        block = self.blocks.count_pair(pair >> ITEM_BITS, item, is_first=held == 1)
        if item in self.watched.usual:
            self.watched.came(row, pair, block, is_usual=held <= SAMPLED_OF_NETWORK)
        return flags | USUAL_OF_ITEM if held <= SAMPLED_OF_NETWORK else flags

    # What rules ask

    def group_of(self, rule: int, place: int) -> Group | None:
        """Return the group of a rule at a place, a new one if need be; None where all are taken."""
        groups = self.groups.setdefault(rule, {})
        if place not in groups:
            if len(groups) >= MAX_GROUPS:
                return None
            groups[place] = Group()
        return groups[place]

    def watch(self, item: int, group: Group, pair: int | None = None) -> None:
        """Tell a group of each further voter: of a pair, or of an item's strata."""
        self.watched.add(item, group, self._usual_of(item), pair)

    def _usual_of(self, item: int) -> Iterator[int]:
        return (row for row in self.rows_of.get(item, ()) if self.flags[row] & USUAL_OF_ITEM)

    def review(self, now: int) -> None:
        """Have all be looked at again now and then: what others do makes a group stand out too."""
        if now // REVIEW_MS != self.reviewed:
            self.reviewed = now // REVIEW_MS
            self.touched.update(self.pairs_of_interest)
            self.touched_items.update(self.networks_of)
            self.blocks.review()

    def ballot(self, row: int) -> tuple[int, ...]:
        """Return the items that a voter has cast today, in ascending order."""
        held = self.later.get(row)
        if held is None:
            return (self.items[row],)
        return tuple(sorted((self.items[row], *(one & ITEM_MASK for one in held))))

    def ballot_bytes(self, row: int) -> bytes:
        """Return what a voter has cast today, as `Ballots` count it."""
        return array("i", self.ballot(row)).tobytes()

    def moments(self, row: int) -> list[tuple[int, int]]:
        """Return each item of a voter with its instant within the day."""
        return [(self.times[row], self.items[row]), *(
            (one >> TIME_SHIFT, one & ITEM_MASK) for one in self.later.get(row, ()))]

    def pause(self, row: int) -> int:
        """Return the bucket of the pause before a first vote, UNKNOWN_PAUSE where unknown."""
        return self.flags[row] & PAUSE_MASK

    def votes(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Go through all votes of people: row, instant within the day, item, route, partner."""
        for row, flags in enumerate(self.flags):
            if flags & OF_PEOPLE:
                yield (row, self.times[row], self.items[row], flags >> SHOWN_SHIFT & SHOWN_MASK,
                       self.partners[row])
                for one in self.later.get(row, ()):
                    yield (row, one >> TIME_SHIFT, one & ITEM_MASK, one >> ROUTE_SHIFT & SHOWN_MASK,
                           one >> VIA_SHIFT & MAX_PARTNERS)

    def begins_slot(self, rule: int, now: int, length_ms: int) -> bool:
        """Whether a rule that looks once in a span of time looks now, for the first time in it."""
        slot = now // length_ms
        if self.slots.get(rule) == slot:
            return False
        self.slots[rule] = slot
        return True

    def voted_early(self, row: int, proposal: int, choice: int) -> None:
        """Take one of the first votes of a proposal."""
        early = self.young[proposal]
        if (row not in early and len(early) < EARLY_VOTES + NEXT_VOTES
                and self.flags[row] & OF_PEOPLE):
            early[row] = choice
            if len(early) in (EARLY_VOTES, EARLY_VOTES + NEXT_VOTES):
                self.grown_up.add(proposal)

    # Sampling

    def thin(self, level: int) -> dict[int, int]:
        """Keep the rows in the sample of a level, and count them anew; return their new numbers."""
        kept = [row for row, voter in enumerate(self.voters) if in_sample(voter, level)]
        later, old_flags = self.later, self.flags
        self.later = {number: later[row] for number, row in enumerate(kept) if row in later}
        self.voters = [self.voters[row] for row in kept]
        self.rows = {voter: number for number, voter in enumerate(self.voters)}
        for name in ("times", "networks", "items", "partners"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, (column[row] for row in kept)))
        self.flags = array("H", (
            old_flags[row] & ~(USUAL | USUAL_ASKED | USUAL_OF_ITEM) for row in kept))
        self.hasty.clear()
        numbers = {row: number for number, row in enumerate(kept)}
        self.work.renumber(numbers)
        for proposal, early in self.young.items():
            self.young[proposal] = {numbers[row]: choice for row, choice in early.items()
                                    if row in numbers}
        now, watched = self.window.now, self.watched
        self.watched = Watched(self.ballot_bytes)  # Those of before are told nothing twice.
        self._clear_counts()
        self.window.now = now
        for row, network in enumerate(self.networks):
            if network >= 0:
                self._count(row, network)
        self.watched = watched
        for item in watched.usual:
            watched.count(item, self._usual_of(item))
        return numbers
