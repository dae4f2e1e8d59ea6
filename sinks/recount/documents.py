"""A results document computed anew, and held against the published one. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from processors import results
from processors.catalogue import Catalogue
from processors.results import AsOf, Figures
from sinks.recount.checks import NOT_COMPARED, Check, compare_documents


Document = dict[str, Any]

_RANKED = ("ideas", "proposals")


def recomputed_document(
    document: Document, figures: Figures, catalogue: Catalogue, decided: dict[str, int]
) -> Document:
    """Compute the whole document anew. Descriptions are not archived: theirs are taken over."""
    as_of = AsOf(tuple(document["as_of"]["votes"]), document["as_of"]["catalogue"],
                 document["as_of"]["participants"])
    figures.descriptions = document["participation"]["descriptions"]
    published = results.compute(
        document["consultation"]["id"], figures, catalogue, as_of, decided=decided,
        undecodable=decided.get("refused_undecodable", 0))
    made: Document = json.loads(json.dumps(results.document(published, catalogue)))
    for name in results.DESCRIBED_BY:
        made["participation"][name] = document["participation"][name]
    return made


def check_document(document: Document, recomputed: Document) -> Iterator[Check]:
    """Compare all the document says; ranks and the list of the controversial apart."""
    ranked_now = document["as_of"].get("ranking") == document["as_of"]["votes"]
    live, ranks = _apart(document)
    made, made_ranks = _apart(recomputed)
    yield compare_documents("pure.document", live, made)
    if ranked_now:
        yield compare_documents("pure.ranks", ranks, made_ranks)
    else:
        yield Check("pure.ranks", NOT_COMPARED, document["as_of"]["votes"],
                    f"ranks are as of {document['as_of'].get('ranking')}")


def _apart(document: Document) -> tuple[Document, Document]:
    """Split a document: all but the ranks, and the ranks, each with entries by identifier."""
    rest: Document = json.loads(json.dumps(document))
    rest["as_of"].pop("ranking", None)
    ranks: Document = {"controversial": rest.pop("controversial")}
    for name in _RANKED:
        ranks[name] = {entry["id"]: entry.pop("rank") for entry in rest[name]}
        rest[name] = {entry["id"]: entry for entry in rest[name]}
    return rest, ranks
