"""What a drawn vote on a proposal of one's choice costs, in sequences. Pure.

Theory of operation: a vote is a drawn vote only where the proposal was drawn for its voter. Whoever
wants one on a proposal of their choice asks for sequences, each as a new voter, until one holds it:
on average as many as the inverse of its probability. That is measured from the draw itself, on a
published results document: so everybody who can recount the document can measure it again.

The probability of the uniform places follows from the number of proposals, and is computed; what
the other places add is counted in as many sequences as `sequences_of` says, whose seeds are fixed:
the same document gives the same numbers. They are of a voter who has not acted yet, and of the
algorithm of version 2.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from producers.gateway.sequence import (
    SCORED_BY,
    SECOND,
    Candidate,
    Pool,
    beyond_uniform,
)


FORMAT = "scrutin-draw/1"
SEQUENCES_LEAST, SEQUENCES_MOST = 500, 10_000
SEQUENCES_PER_PROPOSAL = 4
"""So many sequences are counted, within these bounds: of few proposals each is drawn often."""
COST_DIGITS = 1
"""Decimal digits of a cost: what the draws leave open is more."""

Document = Mapping[str, Any]
Block = dict[str, Any]


def sequences_of(proposals: int) -> int:
    """Return how many sequences are counted where there are so many proposals."""
    return min(max(SEQUENCES_LEAST, SEQUENCES_PER_PROPOSAL * proposals), SEQUENCES_MOST)


def pool_of(document: Document, *, blind: bool) -> Pool:
    """Return the proposals of a results document by their drawn votes, as gateways draw from them.

    `blind`: the consultation hides how people vote while voting is open.
    """
    return Pool((_candidate(entry) for entry in document["proposals"]
                 if entry["text"] is not None and not entry.get("retired")), SECOND, blind=blind)


def _candidate(entry: Mapping[str, Any]) -> Candidate:
    drawn, author = entry["drawn"], entry["author"]
    if "qualifications" in drawn:
        counts = {**drawn, **drawn["qualifications"]}
        named = tuple(counts[name] for name in SCORED_BY)
    else:  # Hidden until voting has closed: the number alone is known, and enough.
        named = (drawn["votes"], *(0,) * (len(SCORED_BY) - 1))
    return Candidate(entry["id"], author and author["name"], named)


def steps(pool: Pool, found: Counter[str]) -> Iterator[None]:
    """Count into `found` what sequences hold beside their uniform places, a sequence a step."""
    for number in range(sequences_of(len(pool.every)) if pool.every else 0):
        found.update(beyond_uniform(pool, _seed(number)))
        yield


def told(document: Document, pool: Pool, found: Mapping[str, int]) -> Block:
    """Return what is published: three targets, each with the sequences that a drawn vote costs."""
    sequences = sequences_of(len(pool.every))
    shares = sorted(
        (uniform + found.get(name, 0) / sequences, name)
        for name, uniform in _uniform(pool).items())
    return {
        "format": FORMAT, "consultation": document["consultation"]["id"],
        "algorithm": pool.algorithm,
        "as_of": {name: document["as_of"][name] for name in ("votes", "catalogue")},
        "proposals": len(shares), "sequences": sequences,
        "costs": {name: _cost(*shares[place]) for name, place in (
            ("most_shown", -1), ("median", len(shares) // 2), ("least_shown", 0))
        } if shares else {},
    }


def measured(document: Document, *, blind: bool) -> Block:
    """Return all of it at once; some seconds of work for thousands of proposals."""
    pool, found = pool_of(document, blind=blind), Counter[str]()
    for _ in steps(pool, found):
        pass
    return told(document, pool, found)


def _seed(number: int) -> bytes:
    return hashlib.sha256(f"{FORMAT} {number}".encode()).digest()[:16]


def _cost(share: float, name: str) -> Block:
    return {"proposal": name, "sequences": round(1 / min(share, 1.0), COST_DIGITS)}


def _uniform(pool: Pool) -> dict[str, float]:
    """Return the probability of each proposal to have one of the two uniform places.

    The first is any proposal's; the second any one's but the first's and its author's others'.
    """
    number = len(pool.every)
    of_author = Counter(each.author for each in pool.every if each.author)

    def second(author: str | None) -> float:
        """Return the probability of one that may follow a proposal of an author."""
        rest = number - (of_author[author] if author else 1)
        return 1 / number / rest if rest else 0.0

    every = sum(second(each.author) for each in pool.every)
    return {each.id: 1 / number + every - second(each.author) * (
        of_author[each.author] if each.author else 1) for each in pool.every}
