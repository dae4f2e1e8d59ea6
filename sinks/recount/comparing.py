"""A results document made anew, held against the published one. Pure."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sinks.recount.checks import DIFFERENCES_MAX, DIFFERENT, NOT_COMPARED, Check, compare_documents
from sinks.recount.recomputing import Document


_RANKED = ("ideas", "proposals")
_RANK = ("position", "best", "worst")
_RANKS = ("rank", "drawn_rank")
"""What an entry holds of rankings: by all counted votes, and since rules 2 by drawn ones."""


def check_document(name: str, document: Document, anew: Document) -> Iterator[Check]:
    """Compare all the document says; ranks and the list of the controversial apart.

    Ranks of other votes than the counts cannot be made anew: they must be ones that could be.
    """
    live, ranks = _apart(document)
    made, made_ranks = _apart(anew)
    yield compare_documents(f"{name}.document", live, made)
    if ranked_now(document):
        yield compare_documents(f"{name}.ranks", ranks, made_ranks)
        return
    impossible = list(islice(_impossible(document, ranks, made_ranks), DIFFERENCES_MAX))
    yield Check(f"{name}.ranks", DIFFERENT if impossible else NOT_COMPARED,
                document["as_of"]["votes"],
                impossible or f"ranks are as of {document['as_of'].get('ranking')}")


def ranked_now(document: Document) -> bool:
    """Whether ranks hold the votes that the counts hold."""
    return bool(document["as_of"].get("ranking") == document["as_of"]["votes"])


def _impossible(document: Document, ranks: Document, made: Document) -> Iterator[dict[str, Any]]:
    """Find what no ranks of earlier votes can be."""
    held, votes = document["as_of"].get("ranking"), document["as_of"]["votes"]
    if not (isinstance(held, list) and len(held) == len(votes) and all(
            type(one) is int and -1 <= one <= last
            for one, last in zip(held, votes, strict=True))):
        yield _difference("as_of.ranking", held, "offsets up to those of the votes")
    for name in _RANKED:
        for kind in _RANKS:
            yield from _impossible_ranks({
                f"{name}.{entry}.{kind}": held[kind] for entry, held in ranks[name].items()
                if held.get(kind) is not None})
    listed: Sequence[Any] = ranks["controversial"]
    known = [one for one in listed if isinstance(one, str) and one in made["proposals"]]
    if len(set(known)) != len(listed):
        yield _difference("controversial", listed, "proposals of this document, each once")


def _impossible_ranks(ranks: Document) -> Iterator[dict[str, Any]]:
    """Find, by path, what no ranks among each other can be."""
    last = len(ranks)
    for path, rank in ranks.items():
        if not (isinstance(rank, dict) and sorted(rank) == sorted(_RANK)
                and all(type(one) is int for one in rank.values())
                and 1 <= rank["best"] <= rank["position"] <= rank["worst"] <= last):
            yield _difference(path, rank, f"a rank among {last} entries")


def _difference(path: str, expected: Any, actual: str) -> dict[str, Any]:
    return {"path": path, "expected": expected, "actual": actual}


def _apart(document: Document) -> tuple[Document, Document]:
    """Split a document: all but the ranks, and the ranks, each with entries by identifier."""
    rest: Document = {**document, "as_of": {
        name: held for name, held in document["as_of"].items() if name != "ranking"}}
    ranks: Document = {"controversial": rest.pop("controversial")}
    for name in _RANKED:
        # By identifier one that stands twice would be lost: the order is compared, too.
        rest[f"order of {name}"] = [entry["id"] for entry in rest[name]]
        ranks[name] = {entry["id"]: {kind: entry[kind] for kind in _RANKS if kind in entry}
                       for entry in rest[name]}
        rest[name] = {
            entry["id"]: {key: held for key, held in entry.items() if key not in _RANKS}
            for entry in rest[name]}
    return rest, ranks
