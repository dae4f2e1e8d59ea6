"""The whole results document made anew from recounted figures. Pure."""

from typing import Any

from processors.results import results_document, wordings
from processors.results.catalogue import Catalogue
from processors.results.descriptions import Descriptions, PublishedDescriptions
from processors.results.results_document import AsOf, Figures


Document = dict[str, Any]


def as_of(document: Document) -> AsOf:
    """Return the positions that a published document holds."""
    held = document["as_of"]
    return AsOf(tuple(held["votes"]), held["catalogue"], held["participants"])


def recomputed(
    document: Document, figures: Figures, catalogue: Catalogue, positions: AsOf,
    decided: dict[str, int], people: Descriptions | None = None,
) -> Document:
    """Compute the whole document anew.

    Descriptions are archived apart: without the people of the participants' log, folded up to these
    positions, what was published of them is taken over.
    """
    figures.descriptions = (
        PublishedDescriptions.of(document["participation"]) if people is None else
        _published(people, document, closed=figures.closed))
    published = results_document.compute(
        document["consultation"]["id"], figures, catalogue, positions, decided=decided,
        undecodable=decided.get("refused_undecodable", 0))
    made = results_document.document(published, catalogue)
    return wordings.without(made) if document["format"] in wordings.FORMATS_WITHOUT else made


def _published(
    people: Descriptions, document: Document, *, closed: bool
) -> PublishedDescriptions:
    """Return what is to be published of people.

    Of nobody, documents of earlier forms hold no tables: release 0.1.0 had no rule of stretches.
    """
    made = people.published(closed=closed)
    is_earlier = (document["format"] in wordings.FORMATS_WITHOUT
                  and "unpublished" not in document["participation"])
    return PublishedDescriptions() if is_earlier and made == Descriptions().published(
        closed=closed) else made
