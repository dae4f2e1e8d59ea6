"""What the results page says of single proposals: its picture and its lists, kept. Pure.

Theory of operation: of thousands of proposals the page shows a few rows. Whoever shows it again and
again keeps their orders, and puts in what moved; whoever has a document puts all of it in, once.
Ranks follow from the votes a second later: who has one is asked at the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from processors.results.ranks import Ordered
from views.pages.glance import Glance, Picture


CONTROVERSIAL_SHOWN = 6
UNCERTAIN_SHOWN = 6
APPROVED_SHOWN = 10
APART_SHOWN = 10

Entry = Mapping[str, Any]
Ranks = Mapping[str, Mapping[str, int]]
"""By proposal, the best first."""


@dataclass(frozen=True)
class Highlights:
    """What is shown, at one moment; entries as the document has them."""

    glance: Glance
    controversial: list[Entry]
    uncertain: list[Entry]
    approved: list[Entry]
    apart: list[Entry]
    number_apart: int
    ranked: int
    drawn_ranked: int


@dataclass(frozen=True)
class OfProposals:
    """What the page says of single proposals, where it is made from a document without them."""

    count: int
    """How many proposals there are."""
    changed: Sequence[Entry]
    """Those whose words were changed, and those retired."""
    highlights: Highlights | None
    """None where shares are hidden."""


class Orders:
    """The orders from which highlights are taken."""

    def __init__(self) -> None:
        self._picture = Picture()
        self._controversial, self._uncertain, self._apart = Ordered(), Ordered(), Ordered()

    def put(self, entry: Entry) -> None:
        """Take a proposal in, in the place of what it was before."""
        name, zone = entry["id"], entry["zone"]
        self._picture.put(entry)
        # By the lower bound of their controversy; the zone holds the page to its words.
        score = entry["scores"]["controversy"] if zone == "controversy" else None
        self._controversial.put(name, score and score["margin"] - score["value"])
        self._uncertain.put(name, -entry["intervals"]["neutral"][0] if zone == "limbo" else None)
        self._apart.put(name, -entry["counted"]["votes"] if entry.get("apart") else None)

    def highlights(
        self, entry_of: Callable[[str], Entry], ranks: Ranks, drawn: Ranks
    ) -> Highlights:
        """Take them, with the ranks that entries have now; `entry_of` gives whom was put in."""
        def first(most: int, names: Iterable[str]) -> list[Entry]:
            return [entry_of(name) for name in islice(names, most)]

        def ranked(order: Ordered) -> Iterator[str]:
            return (name for _, name in order.in_order() if name in ranks)

        apart = self._apart.in_order()
        return Highlights(
            glance=self._picture.drawn(),
            controversial=first(CONTROVERSIAL_SHOWN, ranked(self._controversial)),
            uncertain=first(UNCERTAIN_SHOWN, ranked(self._uncertain)),
            approved=first(APPROVED_SHOWN, ranks), apart=first(APART_SHOWN, (
                name for _, name in apart)),
            number_apart=len(apart), ranked=len(ranks), drawn_ranked=len(drawn),
        )


def highlights(proposals: Iterable[Entry]) -> Highlights:
    """Take the highlights of the proposals of a document."""
    orders, entries = Orders(), {entry["id"]: entry for entry in proposals}
    for entry in entries.values():
        orders.put(entry)
    return orders.highlights(
        entries.__getitem__, *(_ranks(entries, name) for name in ("rank", "drawn_rank")))


def _ranks(entries: Mapping[str, Entry], name: str) -> Ranks:
    ranked = [(key, entry[name]) for key, entry in entries.items() if entry.get(name)]
    return dict(sorted(ranked, key=lambda each: each[1]["position"]))
