"""The demo's comparison: it must be able to fail."""

import copy
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from processors.results import results_document
from processors.results.catalogue import Catalogue
from producers.consultation_file import ConsultationFile
from schemas.words import COUNTS
from scrutin.demo.comparison import compare
from scrutin.demo.play import OPEN_DAYS, PUBLISHED, open_consultation


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """Read the published figures the demo compares with."""
    figures: dict[str, Any] = json.loads(PUBLISHED.read_text("utf-8"))
    return figures


def document_of(published: dict[str, Any]) -> dict[str, Any]:
    """Make a document whose ideas and controversial proposals have the published percentages."""
    catalogue = Catalogue()
    proposals: dict[str, Sequence[int]] = {}
    ideas = [idea for theme in published["themes"] for idea in theme["ideas"]]
    for number, idea in enumerate(ideas):
        catalogue.apply("IdeaDescribed", {
            "consultation": "c", "idea": idea["id"], "theme": None, "title": {}}, number * 3)
        _accept(catalogue, f"of-{idea['id']}", number * 3 + 1)
        catalogue.apply("ProposalGrouped", {
            "consultation": "c", "proposal": f"of-{idea['id']}", "idea": idea["id"]},
            number * 3 + 2)
        proposals[f"of-{idea['id']}"] = _counts(
            agree=10 * idea["agree"], disagree=0, neutral=1000 - 10 * idea["agree"],
            like_it=10 * idea["like_it"], doable=10 * idea["doable"])
    for number, proposal in enumerate(published["controversial"]):
        _accept(catalogue, proposal["id"], 1000 + number)
        agree, disagree = 10 * proposal["agree"], 10 * proposal["disagree"]
        proposals[proposal["id"]] = _counts(
            agree=agree, disagree=disagree, neutral=1000 - agree - disagree)
    found = results_document.compute(
        "c", results_document.Figures(proposals=proposals), catalogue,
        results_document.AsOf((1,), 1, 1), decided={}, undecodable=0)
    return results_document.document(found, catalogue)


def _accept(catalogue: Catalogue, proposal: str, offset: int) -> None:
    catalogue.apply("ProposalAccepted", {
        "consultation": "c", "proposal": proposal, "text": {}, "author": None}, offset)


def _counts(**named: int) -> list[int]:
    votes = sum(named[choice] for choice in ("agree", "disagree", "neutral"))
    return [{**named, "received": votes}.get(name, 0) for name in COUNTS]


def different(document: dict[str, Any], published: dict[str, Any]) -> set[tuple[str, str]]:
    """Name the checks that do not hold."""
    return {(check.subject, check.figure) for check in compare(document, published)
            if not check.equal}


KEY_FIGURES = {("campaign", name) for name in (
    "proposals", "participants", "votes", "percent of the target", "state")}
"""What a document of a thousand votes an idea cannot match."""


def test_every_share_of_a_faithful_document_is_equal(published: dict[str, Any]) -> None:
    """Ideas, controversial proposals and conservation hold where the counts are right."""
    assert different(document_of(published), published) <= KEY_FIGURES


@pytest.mark.parametrize("place", range(25))
def test_one_changed_figure_is_found(published: dict[str, Any], place: int) -> None:
    """A changed percentage of any idea or controversial proposal is named, and it alone."""
    document, changed = document_of(published), copy.deepcopy(published)
    entries = [idea for theme in changed["themes"] for idea in theme["ideas"]]
    entry = (entries + changed["controversial"])[place]
    entry["agree"] -= 1

    assert different(document, changed) - KEY_FIGURES == {(entry["id"], "agree")}


def test_a_lost_vote_breaks_conservation(published: dict[str, Any]) -> None:
    """A vote received that nothing accounts for is found in the total and in its proposal."""
    document = document_of(published)
    document["proposals"][0]["received"] += 1
    document["totals"]["received"] += 1

    assert different(document, published) - KEY_FIGURES == {
        ("conservation", "votes accounted for"), ("conservation", "proposals where it fails")}


def test_the_open_consultation_opened_today() -> None:
    """The file that the demo applies is one that anybody could, open from this midnight on."""
    described = ConsultationFile.model_validate(open_consultation(date(2026, 10, 20)))
    assert described.opens_at.isoformat() == "2026-10-20T00:00:00+02:00"
    assert described.closes_at
    assert (described.closes_at - described.opens_at).days == OPEN_DAYS  # Winter time since.
    assert described.organisers
    assert described.stages[0].begins == "2026-10-20"
