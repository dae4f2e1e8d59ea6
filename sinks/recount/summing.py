"""What ledgers hold together: the figures of one consultation. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from processors.ledger.ledger import Ledger
from processors.results.results_document import Figures, pooled
from processors.results.routes import ROUTE_COUNTS, RULES
from schemas.words import COUNTS


def figures_of(ledger: Ledger, consultation: str, *, also: Collection[str] = ()) -> Figures:
    """Return a ledger's figures; proposals nothing was cast on only if in `also`."""
    voters = ledger.participation(consultation)
    every = {found.name: found.counts for found in ledger.every_proposal()
             if found.consultation.name == consultation
             and (any(found.counts) or found.name in also)}
    by_route = ledger.ledger_version >= RULES
    return Figures(
        proposals={name: counts[:len(COUNTS)] for name, counts in every.items()},
        rules=max(1, ledger.ledger_version),
        routes={name: counts[len(COUNTS):] for name, counts in every.items() if by_route},
        participants=voters.participants, participants_received=voters.participants_received,
        suspended=voters.suspended, closed=voters.closed,
        controls_after_closing=voters.controls_after_closing,
    )


def summed(parts: Sequence[Figures]) -> Figures:
    """Add the figures of parts that have no voter in common."""
    return Figures(
        proposals=_pooled((part.proposals for part in parts), COUNTS),
        rules=max((part.rules for part in parts), default=1),
        routes=_pooled((part.routes for part in parts), ROUTE_COUNTS),
        participants=sum(part.participants for part in parts),
        participants_received=sum(part.participants_received for part in parts),
        suspended=sum(part.suspended for part in parts),
        closed=bool(parts) and all(part.closed for part in parts),
        controls_after_closing=sum(part.controls_after_closing for part in parts),
    )


def _pooled(
    parts: Iterable[Mapping[str, Sequence[int]]], names: Sequence[str]
) -> dict[str, Sequence[int]]:
    """Add counts of these names up, proposal by proposal."""
    found: dict[str, list[Sequence[int]]] = {}
    for part in parts:
        for proposal, counts in part.items():
            found.setdefault(proposal, []).append(counts)
    return {proposal: pooled(counts, names) for proposal, counts in found.items()}


def added(sums: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add numbers up, name by name."""
    total: dict[str, int] = {}
    for each in sums:
        for name, number in each.items():
            total[name] = total.get(name, 0) + number
    return total
