"""What ledgers hold together: the figures of one consultation. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from processors.ledger.ledger import Ledger
from processors.results.results_document import Figures, pooled
from schemas.words import COUNTS


def figures_of(ledger: Ledger, consultation: str, *, also: Collection[str] = ()) -> Figures:
    """Give a ledger's figures; proposals nothing was cast on only if in `also`."""
    voters = ledger.participation(consultation)
    return Figures(
        proposals={found.name: found.counts[:len(COUNTS)] for found in ledger.every_proposal()
                   if found.consultation.name == consultation
                   and (any(found.counts) or found.name in also)},
        participants=voters.participants, participants_received=voters.participants_received,
        suspended=voters.suspended, closed=voters.closed,
        controls_after_closing=voters.controls_after_closing,
    )


def summed(parts: Sequence[Figures]) -> Figures:
    """Add the figures of parts that have no voter in common."""
    found: dict[str, list[Sequence[int]]] = {}
    for part in parts:
        for proposal, counts in part.proposals.items():
            found.setdefault(proposal, []).append(counts)
    return Figures(
        proposals={proposal: pooled(counts) for proposal, counts in found.items()},
        participants=sum(part.participants for part in parts),
        participants_received=sum(part.participants_received for part in parts),
        suspended=sum(part.suspended for part in parts),
        closed=bool(parts) and all(part.closed for part in parts),
        controls_after_closing=sum(part.controls_after_closing for part in parts),
    )


def added(sums: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add numbers up, name by name."""
    total: dict[str, int] = {}
    for each in sums:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return total
