"""The whole results document made anew from recounted figures. Pure."""

from typing import Any

from processors.results import results_document, wordings
from processors.results.catalogue import Catalogue
from processors.results.descriptions import PublishedDescriptions
from processors.results.results_document import AsOf, Figures


Document = dict[str, Any]


def as_of(document: Document) -> AsOf:
    """Return the positions that a published document holds."""
    held = document["as_of"]
    return AsOf(tuple(held["votes"]), held["catalogue"], held["participants"])


def recomputed(
    document: Document, figures: Figures, catalogue: Catalogue, positions: AsOf,
    decided: dict[str, int],
) -> Document:
    """Compute the whole document anew. Descriptions are not archived: theirs are taken over."""
    figures.descriptions = PublishedDescriptions.of(document["participation"])
    published = results_document.compute(
        document["consultation"]["id"], figures, catalogue, positions, decided=decided,
        undecodable=decided.get("refused_undecodable", 0))
    made = results_document.document(published, catalogue)
    return wordings.without(made) if document["format"] in wordings.FORMATS_WITHOUT else made
