"""The price of a drawn vote, measured again from the archived votes."""

from typing import Any

from producers.gateway import draw_costs
from scrutin.audit.beginning import say
from sinks.catching_up import WAIT_SECONDS
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document
from sinks.recount.supposing import Supposition
from sinks.recount.what_if import what_if


def measured_again(
    told: dict[str, Any], document: Document, reading: Reading, *,
    wait_seconds: float = WAIT_SECONDS,
) -> dict[str, Any]:
    """Decide the votes up to the positions of a measurement anew, and measure the draw on them.

    `document` is what is published now, `reading` of the archive up to there.
    """
    votes, catalogue = told["as_of"]["votes"], told["as_of"]["catalogue"]
    consultation = document["consultation"]["id"]
    counted = what_if(
        consultation, {**document, "as_of": {**document["as_of"], "catalogue": catalogue}},
        Supposition(offsets=tuple(enumerate(votes))), reading, say=say, wait_seconds=wait_seconds)
    known = reading.catalogue(catalogue).consultations.get(consultation)
    described = known and known.described
    say("measuring the draw")
    return draw_costs.measured(
        counted.document, blind=bool(described and described.get("shares_embargoed")))
