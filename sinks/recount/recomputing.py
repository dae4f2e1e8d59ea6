"""The whole results document made anew from recounted figures. Pure."""

from typing import Any

from processors import results
from processors.catalogue import Catalogue
from processors.results import AsOf, Figures


Document = dict[str, Any]


def as_of(document: Document) -> AsOf:
    """Give the positions that a published document holds."""
    held = document["as_of"]
    return AsOf(tuple(held["votes"]), held["catalogue"], held["participants"])


def recomputed(
    document: Document, figures: Figures, catalogue: Catalogue, positions: AsOf,
    decided: dict[str, int],
) -> Document:
    """Compute the whole document anew. Descriptions are not archived: theirs are taken over."""
    figures.descriptions = document["participation"]["descriptions"]
    published = results.compute(
        document["consultation"]["id"], figures, catalogue, positions, decided=decided,
        undecodable=decided.get("refused_undecodable", 0))
    made: Document = results.document(published, catalogue)
    for name in results.DESCRIBED_BY:
        made["participation"][name] = document["participation"][name]
    return made
