"""Figures and documents are made from the flushes, and not made again where nothing changed."""

from processors.results.results_document import AsOf
from schemas.topics import FLUSH_KEY
from tests.views import campaign
from views.documents import Documents
from views.flushes import Figure


NAME = campaign.CONSULTATION
VOTED, OTHER = Figure("proposal", "p-0001"), Figure("proposal", "p-0002")


def test_a_figure_is_read_once_and_anew_where_it_changed() -> None:
    """Asked for alone or by the document: what did not change is the same object, the rest new."""
    flushes = campaign.flushes(30, closed=False)
    documents = Documents(flushes)
    before = [documents.figure(NAME, name) for name in (VOTED, OTHER)]
    documents.document(NAME)
    assert all(documents.figure(NAME, name) is found
               for name, found in zip((VOTED, OTHER), before, strict=True))

    flushes.receive_result(*campaign.proposal_record(NAME, VOTED.id, 90_000))
    applied = flushes.applied
    assert applied is not None
    flushes.receive_result(FLUSH_KEY, campaign.marker(AsOf(
        applied.offsets, applied.catalogue_offset, applied.participants_offset)))

    changed = documents.figure(NAME, VOTED)
    assert changed is not None
    assert changed["counted"]["votes"] == 90_000
    assert documents.figure(NAME, OTHER) is before[1]
    document = documents.document(NAME)
    assert document is not None
    counted = {entry["id"]: entry["counted"]["votes"] for entry in document["proposals"]}
    assert counted[VOTED.id] == 90_000


def test_a_figure_nobody_counted_is_none() -> None:
    """Neither of an unknown proposal nor of an unknown consultation."""
    documents = Documents(campaign.flushes(4))
    assert documents.figure(NAME, Figure("proposal", "nothing")) is None
    assert documents.figure("nobody", VOTED) is None
