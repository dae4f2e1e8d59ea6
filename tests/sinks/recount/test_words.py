"""The votes before a correction are counted again, and a lie about them is found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.services import ClickHouse
from schemas.control_signatures import NOBODY, UNSIGNED
from schemas.votes_cast import VotesCast
from schemas.withheld import digest_in
from sinks.recount.checks import EXIT_CODES
from sinks.recount.cuts import VotesAtCuts
from tests.processors.ledger.logs import property_test
from tests.sinks.ballots import CONSULTATION, Box, random_box
from tests.sinks.published import archived, catalogue_log
from tests.sinks.recount.test_audit import failed


ACCEPTED = bytes(15) + b"p"
BOX = random_box(21, 60)


def cast(box: Box, cut: tuple[int, ...], proposal: str = "") -> int:
    """Count the votes up to a cut, the plain way."""
    found = VotesCast(CONSULTATION)
    for log, last in zip(box.logs, cut, strict=True):
        found.count(log[:last + 1])
    return found.proposals[proposal] if proposal else found.total


def corrections(box: Box, cut: tuple[int, ...], lie: int) -> list[tuple[str, dict[str, Any]]]:
    """Accept a proposal that has votes, and correct it."""
    text = {"fr": "Un métier"}
    signed = {"by": NOBODY, "signature": UNSIGNED}
    return [
        ("ProposalAccepted", {"proposal": "p-0", "text": text, "author": None,
                              "event_id": ACCEPTED}),
        ("ProposalCorrected", {
            "proposal": "p-0", "follows": ACCEPTED, "before": text, "after": {"fr": "Deux"},
            "reason": "a slip", "offsets": list(cut), "votes": cast(box, cut, "p-0") + lie,
            **signed})]


@pytest.mark.parametrize(("offset", "status", "found"), [
    (2, 0, set()), (3, 1, {"words.hidden"}), (4, 1, {"words.hidden"})])
def test_a_retirement_that_names_another_record_is_found(
    clickhouse: ClickHouse, topic_prefix: str, offset: int, status: int, found: set[str]
) -> None:
    """Who hides words could else have that record left out of bundles."""
    accepted = catalogue_log(random_box(21, 60))[2]
    made = archived(clickhouse.url, topic_prefix, random_box(21, 60), corrections=[
        ("ProposalRetired", {
            "proposal": "p-0", "reason": "unlawful", "text_hidden": True, "by": NOBODY,
            "signature": UNSIGNED, "hidden": [{
                "offset": offset, "digest": digest_in(accepted, CONSULTATION, "p-0")}]})])
    audit = made.audit()

    assert (EXIT_CODES[audit.verdict], failed(audit)) == (status, found)


@pytest.mark.parametrize(("lie", "status", "found"), [
    (0, 0, set()), (1, 1, {"pure.words", "sql.words"}), (-1, 1, {"pure.words", "sql.words"})])
def test_a_lie_about_the_votes_before_a_correction_is_found(
    clickhouse: ClickHouse, topic_prefix: str, lie: int, status: int, found: set[str]
) -> None:
    """By reading every vote up to the cut, and by counting rows.

    It follows a change that nobody counted, so the document says nobody's votes; the record does.
    """
    cut = tuple(len(log) // 2 for log in BOX.logs)
    assert cast(BOX, cut, "p-0") > 0
    made = archived(clickhouse.url, topic_prefix, BOX, corrections=corrections(BOX, cut, lie))
    audit = made.audit()
    assert (EXIT_CODES[audit.verdict], failed(audit)) == (status, found)
    [entry] = [each for each in made.document["proposals"] if each["id"] == "p-0"]
    assert [each["votes"] is None for each in entry["corrections"]] == [True, True]


def test_a_document_of_a_former_form_cannot_keep_a_correction_to_itself(
    clickhouse: ClickHouse, topic_prefix: str
) -> None:
    """Whoever publishes in a form that tells nothing of words is found by the catalogue."""
    cut = tuple(len(log) - 1 for log in BOX.logs)
    made = archived(clickhouse.url, topic_prefix, BOX, corrections=corrections(BOX, cut, 0))
    made.document["format"] = "scrutin-results/1"
    assert "words.told" in failed(made.audit())


CUTS = st.lists(st.tuples(*(st.integers(-1, len(log) - 1) for log in BOX.logs)), max_size=6)


@given(CUTS, st.integers(1, 50))
@property_test
def test_one_pass_counts_what_each_cut_holds(cuts: list[tuple[int, ...]], size: int) -> None:
    """Whatever the cuts, and in whatever pieces the records come."""
    places = [(cut, proposal) for cut in cuts for proposal in ("", "p-0", "p-9")]
    found = VotesAtCuts(CONSULTATION, places)
    for partition, log in enumerate(BOX.logs):
        found.follow(partition, (log[at:at + size] for at in range(0, len(log), size)))

    assert found.counts == {place: cast(BOX, *place) for place in places}
