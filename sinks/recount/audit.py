"""Hold a published results document against four computations.

(a) the document itself; (b) the ledger over the archived votes, and the whole document computed
from it; (c) SQL from the ballot box alone; (d) the sum of changes over the archived decisions.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from processors.results import results_document, routes
from processors.results.catalogue import Catalogue, Consultation
from processors.results.results_document import Figures, pooled
from schemas.words import COUNTS, EVERY_COUNT
from sinks.catching_up import WAIT_SECONDS, Say
from sinks.recount import counting, pure
from sinks.recount.checks import (
    DIFFERENT,
    EQUAL,
    INVALID,
    UNREADABLE,
    Check,
    Counts,
    check,
    compare_counts,
    verdict,
)
from sinks.recount.comparing import check_document
from sinks.recount.contradictions import check_columns, check_rows
from sinks.recount.counting import BallotRecount, Recounted
from sinks.recount.faults import RecountFailed
from sinks.recount.people import People, check_people, taken_over
from sinks.recount.pure import PureRecount
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document, as_of, recomputed
from sinks.recount.words import check_words


VOTERS = ("participants", "participants_received", "suspended", "controls_after_closing")


@dataclass
class Audit:
    """A published document, and what was found about it."""

    consultation: str
    as_of: dict[str, Any]
    checks: list[Check] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each computation took."""
    table: list[tuple[str, list[int]]] = field(default_factory=list)
    """Name of a total, and its value live, pure, by SQL and as the sum of changes."""
    pure: PureRecount | None = None
    voters_apart: int = 0
    """Voters whom the recount by SQL counts event by event."""

    @property
    def verdict(self) -> str:
        return verdict(self.checks)

    @contextmanager
    def timed(self, computation: str) -> Iterator[None]:
        """Note how long a computation took."""
        began = time.monotonic()
        yield
        self.seconds[computation] = round(time.monotonic() - began, 3)


def audit(
    consultation: str, document: Document, reading: Reading, *, say: Say,
    people: People, wait_seconds: float = WAIT_SECONDS, columns: bool = False,
) -> Audit:
    """Recount a consultation and compare; raise RecountFailed where it cannot be recounted.

    `people` are those of the participants' log up to the published position.

    Columns are held against their bytes where anything differs, or always if `columns` asks.
    """
    found = Audit(consultation, document["as_of"])
    try:
        with found.timed("wait"):
            reading.wait(document["as_of"]["catalogue"], say=say, seconds=wait_seconds)
        _recount(found, document, reading, people, say)
    except RecountFailed:
        # What seems to be missing or unreadable may be hidden by a row or column that lies.
        found.checks = [check_rows(reading), _check_columns(found, reading, say)]
        if found.verdict == EQUAL:
            raise
        return found
    found.checks.append(check_rows(reading))
    if columns or found.verdict != EQUAL:
        found.checks.append(_check_columns(found, reading, say))
    return found


def _check_columns(found: Audit, reading: Reading, say: Say) -> Check:
    with found.timed("columns"):
        return check_columns(reading, say=say)


def _recount(
    found: Audit, document: Document, reading: Reading, people: People, say: Say
) -> None:
    """Count in every way and compare."""
    consultation = found.consultation
    if unreadable := reading.unreadable():
        found.checks.append(Check("decisions.readable", UNREADABLE, "every decision", unreadable))
        return
    # ClickHouse works on its own account while the ledger decides here.
    with ThreadPoolExecutor(1, thread_name_prefix="sql") as beside:
        counted = beside.submit(_by_sql, found, reading, consultation)
        with found.timed("pure"):
            ledgers = found.pure = pure.recount(reading, say=say)
            catalogue = reading.catalogue(document["as_of"]["catalogue"])
            also = {proposal["id"] for proposal in document["proposals"]}
            figures = ledgers.figures(consultation, also=also)
            made = recomputed(
                document, figures, catalogue, as_of(document), ledgers.decided(), people.folded)
        say("SQL: counting the ballot box, summing the decisions")
        ballots, changes, decided = counted.result()
    found.voters_apart = ballots.voters_apart
    found.checks += [*check_decisions(ledgers), _check_agreement(reading)]
    found.checks += check_document("pure", document, made)
    found.checks.append(
        taken_over(people.why) if people.folded is None else check_people(document, made))
    found.checks += check_codes(catalogue.consultations.get(consultation), figures)
    found.checks += check_words(document, catalogue.consultations.get(consultation), reading)
    found.checks.append(check("changes.outcomes", document["totals"]["decided"], decided))
    _compare(found, document, catalogue, figures=figures, ballots=ballots, changes=changes)


def _by_sql(
    found: Audit, reading: Reading, consultation: str
) -> tuple[BallotRecount, Recounted, dict[str, int]]:
    """Recount by SQL: from the ballot box, and as the sum of changes."""
    with found.timed("sql"):
        ballots = counting.from_ballots(reading, consultation)
    with found.timed("changes"):
        return ballots, counting.from_decisions(reading, consultation), counting.outcomes(reading)


def check_decisions(recount: PureRecount) -> Iterator[Check]:
    """Check that the archived decisions are those of the archived votes."""
    broken = [one for one in recount.differences if one.chain_differs]
    other = [one for one in recount.differences if not one.chain_differs]
    yield Check("decisions.chain", INVALID if broken else EQUAL,
                "commits to the archived votes", _places(broken) or "commits to them")
    yield check("decisions.bytes", [], _places(other))


def check_codes(known: Consultation | None, figures: Figures) -> Iterator[Check]:
    """Check that no more voted than codes were issued, where the consultation asks for one."""
    if known is not None and known.codes:
        issued, voters = sum(known.codes.values()), figures.participants_received
        yield Check("codes.participants", DIFFERENT if voters > issued else EQUAL,
                    f"at most {issued:,} voters: so many codes were issued", f"{voters:,} voters")


def _check_agreement(reading: Reading) -> Check:
    disagreeing = reading.disagreeing()
    return Check("decisions.agree", INVALID if disagreeing else EQUAL,
                 "one decision of each vote", disagreeing or "one decision of each vote")


def _places(differences: list[pure.Difference]) -> list[dict[str, Any]]:
    return [{"partition": one.partition, "source_offset": one.source_offset}
            for one in differences]


def _compare(
    found: Audit, document: Document, catalogue: Catalogue, *, figures: Figures,
    ballots: BallotRecount, changes: Recounted,
) -> None:
    """Compare counts: totals, proposals, ideas and voters, of all four computations."""
    known = catalogue.consultations.get(found.consultation)
    mapping = known.mapping if known else {}
    methods: dict[str, Figures | Recounted] = {
        "pure": figures, "sql": ballots, "changes": changes}
    by_route = max(figures.rules, document["rules_version"]) >= routes.RULES
    for name, method in methods.items():
        found.checks += _compare_entries(
            (f"{name}.proposals", f"{name}.ideas"), document, mapping, method.proposals, COUNTS)
        if by_route:
            found.checks += _compare_entries(
                (f"{name}.routes", f"{name}.idea_routes"), document, mapping, method.routes,
                routes.ROUTE_COUNTS)
    _compare_totals(found, document["totals"], methods, EVERY_COUNT if by_route else COUNTS)


def _compare_entries(
    checks: tuple[str, str], document: Document, mapping: Mapping[str, str], counted: Counts,
    names: Sequence[str],
) -> Iterator[Check]:
    """Compare counts of these names of every proposal, and of every idea."""
    live, live_ideas = ({entry["id"]: _counts(entry, names) for entry in document[kind]}
                        for kind in ("proposals", "ideas"))
    yield compare_counts(checks[0], live, counted, names)
    yield compare_counts(checks[1], live_ideas, _pooled(counted, mapping, live_ideas, names), names)


def _compare_totals(
    found: Audit, totals: Document, methods: Mapping[str, Figures | Recounted],
    names: Sequence[str],
) -> None:
    """Compare each total over the consultation and keep the row of the table."""
    live = dict(zip(names, _counts(totals, names), strict=True))
    live |= {"participants": totals["participants"], "suspended": totals["suspended_voters"],
             "participants_received": totals["participants_received"],
             "controls_after_closing": totals.get("controls_after_closing", 0)}
    sums = {name: _totals(method) for name, method in methods.items()}
    for count, expected in live.items():
        found.table.append((count, [expected, *(sums[name][count] for name in methods)]))
        found.checks += (check(f"{name}.totals.{count}", expected, sums[name][count])
                         for name in methods)


def _totals(method: Figures | Recounted) -> dict[str, int]:
    """Add up what a method says, and what it says of voters."""
    return {
        **dict(zip(COUNTS, pooled(method.proposals.values()), strict=True)),
        **dict(zip(routes.ROUTE_COUNTS, pooled(method.routes.values(), routes.ROUTE_COUNTS),
                   strict=True)),
        **{name: getattr(method, name) for name in VOTERS}}


def _counts(entry: Document, names: Sequence[str]) -> list[int]:
    told = results_document.flat(entry) | routes.flat(entry)
    return [told[name] for name in names]


def _pooled(
    proposals: Counts, mapping: Mapping[str, str], ideas: Counts, names: Sequence[str]
) -> dict[str, list[int]]:
    """Pool proposals into ideas."""
    members: dict[str, list[Any]] = {idea: [] for idea in ideas}
    for proposal, counts in proposals.items():
        if mapping.get(proposal) in members:
            members[mapping[proposal]].append(counts)
    return {idea: pooled(counts, names) for idea, counts in members.items()}
