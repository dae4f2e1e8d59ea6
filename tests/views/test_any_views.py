"""Any views answer any request alike: what they show follows from the logs, not from their past."""

from pathlib import Path

from processors.results import results_document
from processors.results.catalogue import Catalogue
from schemas import codec
from tests.views import campaign
from tests.views.test_embargo import NAME, SIZE, World, answers, world


def goes_on(source: World) -> World:
    """Publish the campaign as it is, a little later."""
    catalogue = Catalogue()
    for offset, (event, fields) in enumerate(campaign.events(SIZE)):
        value = codec.encode(event, **fields | (
            {"shares_embargoed": False} if event == "ConsultationDescribed" else {}))
        catalogue.apply(*codec.decode(value), offset)
    found = results_document.compute(
        NAME, campaign.figures(SIZE, closed=False, by_route=True), catalogue,
        results_document.AsOf((11, 21, 31, 41), catalogue.offset, 5), decided={}, undecodable=0)
    for key, value in campaign.result_records(found):
        source.flushes.receive_result(key, value)
    source.swapped = False
    return source


def test_two_views_with_another_past_answer_every_address_alike(tmp_path: Path) -> None:
    """One has published other numbers before: status, headers and bytes are those of the other.

    Addresses are those of the application; a new one is asked by itself.
    """
    first, second = (world(swapped=swapped, embargo=False) for swapped in (False, True))
    before = [answers(each, tmp_path) for each in (first, second)]
    after = [answers(goes_on(each), tmp_path) for each in (first, second)]
    results = f"/v1/consultations/{NAME}/results"

    assert before[0][results] != before[1][results]
    assert [path for path in after[0] if after[0][path] != after[1][path]] == []
    assert after[0][results] != before[0][results]
