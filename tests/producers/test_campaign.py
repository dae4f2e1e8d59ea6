"""The simulated campaign: exact to the unit, equal to the published figures, the same by seed."""

import functools
import hashlib
import math
from collections import Counter
from pathlib import Path

import pytest

from producers.campaign import priors, published
from producers.campaign.catalogue import catalogue
from producers.campaign.deal import CODES
from producers.campaign.events import Campaign, instant
from producers.campaign.expected import Expected, expected
from producers.campaign.noise import Noise
from producers.campaign.plan import Plan, plan
from producers.campaign.sentences import SENTENCE_CHARACTERS_MOST
from producers.errors import InvalidInput, Missing
from schemas import codec, hot, words
from schemas.topics import partition_of
from tests.producers.plays import PARTITIONS, Played, play, records


SEEDS = (1, 2022, 77)
"""The full campaign is planned under each; one of them is also played."""
SMALL = 0.02
CHOICE_ADDEND, QUALIFICATION_ADDEND = 0.33, 0.01


@functools.cache
def full_plan(seed: int) -> Plan:
    return plan(published.load(), seed)


@functools.cache
def small_plan(seed: int = 5) -> Plan:
    return plan(published.load(), seed, SMALL)


@functools.cache
def full_campaign() -> tuple[Expected, Played]:
    return expected(full_plan(SEEDS[0])), play(full_plan(SEEDS[0]))


def counted(counts: dict[str, int]) -> int:
    return sum(counts[name] for name in words.CHOICES)


def controversy(counts: dict[str, int]) -> float:
    """Lower bound of controversy under make-org/2022, written from its published formula."""
    votes = counted(counts)

    def score(name: str, addend: float) -> tuple[float, float]:
        value = min((counts[name] + addend) / (1 + votes), 1)
        bigger = votes + 4
        middle = (votes * value + 2) / bigger
        return value, 2 * math.sqrt(middle * (1 - middle) / bigger)

    def least(first: str, second: str, addend: float) -> tuple[float, float]:
        pair = score(first, addend), score(second, addend)
        return min(pair[0][0], pair[1][0]), max(pair[0][1], pair[1][1])

    choices = least("agree", "disagree", CHOICE_ADDEND)
    qualifications = least("like_it", "no_way", QUALIFICATION_ADDEND)
    return choices[0] + qualifications[0] - math.hypot(choices[1], qualifications[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_meets_the_published_figures(seed: int) -> None:
    """Each seed has the published totals and every percentage within a quarter of a point."""
    campaign, figures = full_plan(seed), published.load()
    counts = expected(campaign)
    assert (len(campaign.proposals), counts.participants) == (2_864, 297_876)
    assert counted(counts.totals) == len(campaign.deck) == 584_664
    for idea in figures.ideas:
        row = counts.ideas[idea.id]
        for name in ("agree", "like_it", "doable"):
            difference = 100 * row[name] / counted(row) - getattr(idea, name)
            assert abs(difference) <= priors.SHARE_TOLERANCE_POINTS, (idea.id, name)
    for proposal in figures.controversial:
        row = counts.proposals[proposal.id]
        for name in ("agree", "disagree"):
            difference = 100 * row[name] / counted(row) - getattr(proposal, name)
            assert abs(difference) <= priors.SHARE_TOLERANCE_POINTS, (proposal.id, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_counted_too_seldom(seed: int) -> None:
    """Every proposal has a counted vote, every idea 500, every controversial proposal 1,000."""
    counts = expected(full_plan(seed))
    assert min(map(counted, counts.proposals.values())) >= 1
    assert min(map(counted, counts.ideas.values())) >= 500
    named = [proposal.id for proposal in published.load().controversial]
    assert min(counted(counts.proposals[name]) for name in named) >= 1_000


@pytest.mark.parametrize("seed", SEEDS)
def test_the_controversial_proposals_lead_their_ranking(seed: int) -> None:
    """Of the proposals with 100 votes, the six published ones divide most, by a clear margin."""
    rows = expected(full_plan(seed)).proposals
    ranked = sorted(
        (name for name, row in rows.items() if counted(row) >= 100),
        key=lambda name: controversy(rows[name]), reverse=True,
    )
    named = {proposal.id for proposal in published.load().controversial}
    assert set(ranked[:6]) == named
    assert controversy(rows[ranked[5]]) > controversy(rows[ranked[6]]) + 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_sentences_are_short_french_and_all_different(seed: int) -> None:
    """Every simulated proposal says "Il faut …" within 140 characters, no two the same."""
    campaign = full_plan(seed)
    named = {proposal.id: proposal for proposal in published.load().controversial}
    texts = [proposal.text["fr"] for proposal in campaign.proposals]
    assert len(set(texts)) == len(texts)
    assert max(map(len, texts)) <= SENTENCE_CHARACTERS_MOST
    for proposal in campaign.proposals:
        published_as = named.get(proposal.id)
        if published_as is not None:
            assert (proposal.text, proposal.author["name"]) == (
                published_as.text, published_as.author["name"])
        else:
            assert (list(proposal.text), proposal.text["fr"][:8]) == (["fr"], "Il faut ")
            assert proposal.author["age_band"]


@pytest.mark.parametrize("seed", SEEDS)
def test_votes_per_voter_have_a_heavy_tail(seed: int) -> None:
    """Most voters vote once, the most diligent about 200 times, nobody twice on a proposal."""
    campaign = full_plan(seed)
    sizes = Counter(
        end - first
        for first, end in zip(campaign.starts, campaign.starts[1:], strict=False)
    )
    assert sizes[1] > 0.5 * campaign.amounts.ordinary_voters
    assert 150 <= max(sizes) <= priors.VOTES_PER_VOTER_MOST
    for first, end in zip(campaign.starts, campaign.starts[1:], strict=False):
        hand = campaign.deck[first:end]
        assert len({card // CODES for card in hand}) == len(hand)


def test_the_ledger_counts_the_full_campaign_as_expected() -> None:
    """Decided from the first record to the last, every count of every proposal is as planned."""
    wanted, found = full_campaign()
    assert found.proposals == wanted.proposals
    assert found.participants == wanted.participants
    assert found.participants_received == wanted.participants_received
    assert found.undecodable == wanted.undecodable
    assert len(found.descriptions) == wanted.descriptions
    assert 1_200_000 <= found.records <= 1_400_000


def test_every_kind_of_noise_is_there_in_its_amount() -> None:
    """The full campaign has each kind of noise in the amount that is named for it."""
    _, found = full_campaign()
    amounts, totals = full_plan(SEEDS[0]).amounts, found.totals()
    expected = {
        "set_aside_unproven": 20_000 - amounts.proven,
        "proven": amounts.proven,
        "repeated": amounts.repeated + amounts.changed_then_repeated,
        "unchanged": amounts.same_again,
        "superseded": amounts.changed + amounts.changed_then_repeated,
        "withdrawn": amounts.cast_again + amounts.withdrawn,
        "refused_unproven_change": amounts.unproven_change,
        "late": amounts.late,
        "set_aside_suspended": 0,
        "refused_misplaced": 0,
    }
    outcomes = {
        "late": amounts.late,
        "refused_wrong_choice": amounts.wrong_choice,
        "unqualified": amounts.qualification_withdrawn + amounts.qualification_again,
        "suspended": 1,
        "reinstated": 1,
        "closed": PARTITIONS,
    }

    assert {name: totals[name] for name in expected} == expected
    assert {name: found.outcomes[name] for name in outcomes} == outcomes


@pytest.mark.parametrize("seed", [5, 6])
def test_a_small_campaign_is_exact_too(seed: int) -> None:
    """At a small scale every count of every proposal is as expected, descriptions included."""
    wanted, found = expected(small_plan(seed)), play(small_plan(seed))
    assert found.proposals == wanted.proposals
    assert (found.participants, found.participants_received, found.undecodable) == (
        wanted.participants, wanted.participants_received, wanted.undecodable)
    described = [codec.decode(value)[1] for value in found.descriptions.values()]
    assert Counter(fields["gender"] for fields in described) == wanted.gender
    assert Counter(fields["age_band"] for fields in described) == wanted.age_band
    assert Counter(fields["region"] for fields in described) == wanted.region


def test_a_seed_names_one_campaign_to_the_byte() -> None:
    """The same seed gives the same catalogue and records; another seed gives others."""

    def digest(seed: int) -> str:
        campaign = plan(published.load(), seed, SMALL)
        return hashlib.sha256(repr((catalogue(campaign), list(records(campaign)))).encode()
                              ).hexdigest()

    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


def test_records_are_those_of_the_careful_codec() -> None:
    """Every record that is not damaged on purpose decodes, and encodes back to the same bytes."""
    damaged = 0
    for _, partition, timestamp, value in records(small_plan()):
        try:
            event, fields = codec.decode(value)
        except codec.Undecodable:
            damaged += 1
            continue
        assert codec.encode(event, **fields) == value
        assert fields["occurred_at"] == timestamp
        if event == "ParticipantDescribed":
            assert partition == PARTITIONS
        elif "voter" in fields:
            assert partition == partition_of(fields["voter"], PARTITIONS)
    amounts = small_plan().amounts
    assert damaged == amounts.truncated + amounts.trailing + amounts.oversize


def test_instants_are_encoded_as_avro_longs() -> None:
    """The quick encoding of instants equals the careful one at both ends of its years."""
    for milliseconds in (1 << 34, (1 << 34) + 12_345, 1_648_000_000_000, (1 << 41) - 1):
        assert instant(milliseconds) == hot.long(milliseconds)


def test_records_come_in_order_of_time_within_the_consultation() -> None:
    """Up to the closing records come in order of time, so each voter's do; then the late ones."""
    campaign = small_plan()
    opens_at, closes_at = campaign.published.opens_at, campaign.published.closes_at
    instants = [event[0] for event in records(campaign)]
    assert instants == sorted(instants)
    assert opens_at <= instants[0]
    before = sum(len(events) for events in Campaign(campaign, PARTITIONS).events())
    assert instants[before - 1] < closes_at == instants[before]


def test_voters_and_participants_cannot_be_joined() -> None:
    """No pseudonym of a description is a voter's."""
    voters, participants = set(), set()
    for _, partition, _, value in records(small_plan()):
        if partition == PARTITIONS:
            participants.add(value[21:37])
        else:
            voters.add(value[21:37])
    assert participants
    assert not voters & participants


def test_about_a_third_of_the_participants_donate_a_description() -> None:
    """35 % of the participants describe themselves, in words that voters are offered too."""
    wanted, _ = full_campaign()
    assert wanted.descriptions == round(0.35 * wanted.participants)
    assert all(set(getattr(wanted, name)) - {None} == set(offered)
               for name, offered in words.ANSWERS.items())


def test_arrivals_have_bursts() -> None:
    """The busiest ten minutes see far more voters than the usual ones."""
    arrivals = sorted(full_plan(SEEDS[0]).ordinary_arrivals)
    assert arrivals[-1] > 15 * arrivals[len(arrivals) // 2]


def test_a_changed_figure_changes_the_campaign() -> None:
    """The campaign follows the file it is given: another percentage, another count."""
    data = published.load()
    changed = published.PublishedIdea(**{**vars(data.ideas[0]), "agree": 60})
    other = plan(published.Published(**{**vars(data), "ideas": (changed, *data.ideas[1:])}), 1)
    row = expected(other).ideas[changed.id]
    assert round(100 * row["agree"] / counted(row)) == 60


def test_a_bad_file_of_figures_is_named(tmp_path: Path) -> None:
    """A missing file and one of another kind are said by name, with what to compare with."""
    missing = tmp_path / "none.json"
    with pytest.raises(Missing, match=r"none\.json: no such file"):
        published.load(missing)
    missing.write_text('{"id": "x"}')
    with pytest.raises(InvalidInput, match=r"none\.json: not a file of published figures"):
        published.load(missing)
    with pytest.raises(InvalidInput, match="between"):
        plan(published.load(), 1, 3.0)


def test_noise_is_named_as_its_amounts() -> None:
    """Each kind of noise finds its amount by its own name."""
    for kind in Noise:
        assert kind is Noise.NONE or hasattr(small_plan().amounts, kind.name.lower())
