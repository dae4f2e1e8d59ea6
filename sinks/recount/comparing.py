"""A results document made anew, held against the published one. Pure."""

import json
from collections.abc import Iterator

from sinks.recount.checks import NOT_COMPARED, Check, compare_documents
from sinks.recount.recomputing import Document


_RANKED = ("ideas", "proposals")


def check_document(name: str, document: Document, anew: Document) -> Iterator[Check]:
    """Compare all the document says; ranks and the list of the controversial apart."""
    ranked_now = document["as_of"].get("ranking") == document["as_of"]["votes"]
    live, ranks = _apart(document)
    made, made_ranks = _apart(anew)
    yield compare_documents(f"{name}.document", live, made)
    if ranked_now:
        yield compare_documents(f"{name}.ranks", ranks, made_ranks)
    else:
        yield Check(f"{name}.ranks", NOT_COMPARED, document["as_of"]["votes"],
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
