"""What acts on findings come to in the ledger: in any interleaving, and undone without a trace."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.codec import ID_BYTES
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.findings import Finding
from schemas.registry import current
from schemas.words import CHOICES, EVERY_COUNT
from scrutin.acting.survey import (
    FEW,
    REINSTATED,
    SUSPENDED,
    About,
    Supposed,
    Survey,
    control,
    suppose,
    votes_in,
)
from sinks.recount.summing import figures_of
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    PROPOSALS,
    Log,
    identifier,
    property_test,
    voter,
)
from tests.processors.ledger.logs_2 import adopted_2, of_version_2


VOTERS = [voter(number) for number in range(4)]
FINDINGS = [Finding(1, identifier(1, "find")), Finding(1, identifier(2, "find")),
            Finding(2, identifier(3, "find"))]
ABOUT = [About(CONSULTATIONS[0], pair, frozenset(VOTERS)) for pair in FINDINGS]

Step = tuple[Any, ...]
"""A vote by whom, on what, and which; or a control, of whom, by which finding, and whose."""
_WHOM = st.lists(st.sampled_from(VOTERS), min_size=1, max_size=4, unique=True)
_STEPS = st.lists(st.one_of(
    *[st.tuples(st.just("vote"), st.sampled_from(VOTERS), st.sampled_from(PROPOSALS),
                st.sampled_from(CHOICES))] * 2,
    st.tuples(st.sampled_from((SUSPENDED, REINSTATED)), _WHOM, st.integers(0, 2),
              st.booleans())), max_size=40)


def written(event: str, voters: Iterable[bytes], about: About, *, by_patrol: bool = False) -> Log:
    """Return the controls of an act, or of the patrol, which names the same pair and id."""
    return [codec.encode_as(
        current(event, 2), **control(event, about, each, reason="crowd/1" if by_patrol else "seen",
                                     salt=bytes(ID_BYTES), now=0), by=NOBODY, signature=UNSIGNED)
        for each in voters]


class Bits:
    """Votes and pairs as a child would keep them: who has a pair that stands does not count."""

    def __init__(self) -> None:
        self.votes: dict[tuple[bytes, str], str] = {}
        self.pairs: dict[tuple[bytes, Finding], bool] = {}
        self.immune: set[tuple[bytes, int]] = set()

    def take(self, event: str, voters: Iterable[bytes], pair: Finding) -> None:
        for each in voters:
            if event == REINSTATED:
                self.pairs[each, pair] = False
                self.immune.add((each, pair.cause))
            elif (each, pair.cause) not in self.immune:
                self.pairs.setdefault((each, pair), True)

    def counted(self) -> Counter[tuple[str, str]]:
        aside = {each for (each, _), stands in self.pairs.items() if stands}
        return Counter((proposal, choice) for (each, proposal), choice in self.votes.items()
                       if each not in aside)


def decided(log: Log) -> Ledger:
    """Decide a log."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
    return ledger


def counted(ledger: Ledger) -> Counter[tuple[str, str]]:
    """Return the counted votes of a ledger by proposal and choice."""
    return Counter({(found.name, choice): found.counts[EVERY_COUNT.index(choice)]
                    for found in ledger.every_proposal() for choice in CHOICES
                    if found.counts[EVERY_COUNT.index(choice)]})


def steps(log: list[Step]) -> tuple[Log, Bits]:
    """Write steps as a log, and as bits."""
    values: Log = [adopted_2()]
    bits = Bits()
    for number, step in enumerate(log):
        if step[0] == "vote":
            _, who, proposal, choice = step
            values.append(of_version_2(
                "VoteCast", number, voter=who, proposal=proposal, choice=choice))
            bits.votes[who, proposal] = choice
        else:
            event, whom, about, by_patrol = step
            values += written(event, whom, ABOUT[about], by_patrol=by_patrol)
            bits.take(event, whom, FINDINGS[about])
    return values, bits


@property_test
@given(_STEPS)
def test_any_interleaving_counts_who_has_no_finding_that_stands(log: list[Step]) -> None:
    """Patrol, confirmations, reinstatements and votes in any order: the tallies of the bits."""
    values, bits = steps(log)
    ledger = decided(values)

    assert counted(ledger) == bits.counted()
    assert votes_in(figures_of(ledger, CONSULTATIONS[0])) == len(bits.votes)


@property_test
@given(_STEPS, _WHOM)
def test_set_aside_and_let_count_again_every_tally_is_as_before(
    log: list[Step], whom: list[bytes]
) -> None:
    """Whoever was set aside before stays so, and nobody else is left so."""
    values, _ = steps(log)
    about = About(CONSULTATIONS[0], Finding(3, identifier(9, "find")), frozenset(VOTERS))
    there = [*values, *written(SUSPENDED, whom, about)]
    before, after = (decided(each) for each in (values, [
        *there, *written(REINSTATED, whom, about), *written(SUSPENDED, whom, about)]))

    assert after.every_count() == before.every_count()
    assert (figures_of(after, CONSULTATIONS[0]).suspended
            == figures_of(before, CONSULTATIONS[0]).suspended)


@property_test
@given(_STEPS, _WHOM, st.sampled_from((SUSPENDED, REINSTATED)))
def test_what_is_supposed_is_what_comes_of_the_controls(
    log: list[Step], whom: list[bytes], event: str
) -> None:
    """A preview is the count of the log with the act written."""
    values, _ = steps(log)
    supposed = decided(values)
    suppose(supposed, ABOUT[0], Supposed(event, frozenset(whom)))

    assert supposed.every_count() == decided([
        *values, *written(event, sorted(whom), ABOUT[0])]).every_count()


def test_hours_of_few_votes_are_not_told() -> None:
    """Nine votes would tell of single people; ten do not."""
    found = Survey(hours=Counter({456_001: FEW - 1, 456_000: FEW}))

    assert found.hours_told() == [{"hour": "2022-01-08T00:00:00+00:00", "votes": FEW},
                                  {"hour": "2022-01-08T01:00:00+00:00", "votes": None}]
