"""The highest layer: the whole results document computed anew, and held against the one here. Pure.

Theory of operation: two documents are in memory together here and nowhere else. Both are bounded:
the published one by its marks, the other by the numbers of proposals and ideas; and before entries
are compared one by one there must be as many of them.
"""

from processors.results.catalogue import Catalogue
from processors.results.results_document import Figures
from sinks.bundle import layout
from sinks.bundle.faults import Different, Unreadable, told
from sinks.bundle.manifest import Manifest
from sinks.recount.checks import EQUAL, NOT_COMPARED
from sinks.recount.comparing import check_document, ranked_now
from sinks.recount.recomputing import Document, as_of, recomputed


def require_equal(
    document: Document, manifest: Manifest, figures: Figures, decided: dict[str, int],
    catalogue: Catalogue,
) -> bool:
    """Raise unless every number is the one computed anew; say whether ranks were, too."""
    try:
        made = recomputed(document, figures, catalogue, as_of(document), decided)
        _require_as_many(document, made)
        _compare(document, made)
        if document["final"] and not ranked_now(document):
            raise Different(f"{layout.RESULTS}, as_of.ranking", "a final result must have ranks of "
                            "the very votes it counts, these are as of "
                            f"{told(document['as_of'].get('ranking'))}")
        records = sum(offset + 1 for offset in manifest.votes)
        if sum(document["totals"]["decided"].values()) != records:
            raise Different(f"{layout.RESULTS}, totals.decided",
                            f"it adds up to another number than the log's {records:,} records")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable(layout.RESULTS, f"not a results document: {error!r}") from error
    return ranked_now(document)


def _require_as_many(document: Document, made: Document) -> None:
    """Raise where the document lists another number of ideas or proposals."""
    for name in ("ideas", "proposals"):
        if len(document[name]) != len(made[name]):
            raise Different(f"{layout.RESULTS}, {name}", f"published {len(document[name]):,} "
                            f"entries, recomputed {len(made[name]):,}")


def _compare(document: Document, made: Document) -> None:
    for check in check_document("bundle", document, made):
        if check.status not in (EQUAL, NOT_COMPARED):
            first = check.actual[0]
            raise Different(
                f"{layout.RESULTS}, {first['path']}",
                f"published {told(first['expected'])}, recomputed {told(first['actual'])} "
                f"({check.expected})")
