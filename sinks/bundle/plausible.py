"""Numbers that a bundle takes over from the document: could they be true? Pure.

Rows do not show which are of one voter, so participants cannot be recounted from them. But each
participant has a row, and on one proposal as many rows as there are: that bounds what may be told.
"""

from collections.abc import Iterator
from typing import Any

from processors.results.descriptions import (
    DESCRIBED_BY,
    FIRST_PEOPLE,
    STRETCH_PEOPLE,
    WITHHELD_BELOW,
)
from schemas.words import ANSWERS, DECIDED
from sinks.bundle import layout
from sinks.bundle.ballots import Summed
from sinks.bundle.faults import BundleFault, Different, told


def implausible(document: dict[str, Any], rows: Summed, controls: int) -> Iterator[BundleFault]:
    """Find what cannot be true of the voters of these rows and so many suspensions on record."""
    totals = document["totals"]
    participants, received = totals["participants"], totals["participants_received"]
    for name, least, number, most in (
            ("participants_received", rows.most_in_force, received, rows.received_rows),
            ("participants", rows.most_counted, participants, received),
            ("controls_after_closing", 0, totals["controls_after_closing"], controls)):
        if not (_is_count(number) and least <= number <= most):
            yield _fault(f"totals.{name}", number, f"a number from {least:,} to {most:,}")
    if not _is_count(totals["suspended_voters"]):
        yield _fault("totals.suspended_voters", totals["suspended_voters"], "a count")
    elif totals["suspended_voters"] > controls:
        yield Different(
            layout.LEAVES, f"{totals['suspended_voters']} voters are suspended, but the log has "
            f"{controls} suspensions: a rule that is not on record")


def impossible(document: dict[str, Any]) -> Iterator[BundleFault]:
    """Find what cannot be true of any consultation, in either kind of bundle."""
    for name, number in document["totals"]["decided"].items():
        if name not in DECIDED or not _is_count(number):
            yield _fault(f"totals.decided.{name}", number, "a count of one of the outcomes")
    yield from _more_than_codes(document["totals"])
    described = document["participation"]
    for name in ("participants", "catalogue"):
        if type(offset := document["as_of"][name]) is not int or offset < -1:
            yield _fault(f"as_of.{name}", offset, "an offset")
    if not all(type(offset) is int for offset in document["as_of"]["votes"]):
        yield _fault("as_of.votes", document["as_of"]["votes"], "offsets")
    if not _is_count(number := described["descriptions"]):
        yield _fault("participation.descriptions", number, "a count")
        return
    if "unpublished" in described:
        yield from _impossible_in_stretches(described, is_open=document["state"] == "open")
    for name in DESCRIBED_BY:
        cells = described[name]
        counts = [cell["count"] for cell in cells if cell["count"] is not None]
        if not (all(map(_is_count, counts)) and sum(counts) <= number
                and all(sorted(cell) == ["count", "value"] and isinstance(cell["value"], str)
                        for cell in cells)):
            yield _fault(f"participation.{name}", cells, f"cells of {number:,} descriptions")


def _more_than_codes(totals: dict[str, Any]) -> Iterator[BundleFault]:
    """Find more voters than codes that were issued, where the consultation asks for one."""
    issued, voters = totals.get("codes_issued"), totals["participants_received"]
    if issued is not None and not (_is_count(issued) and voters <= issued):
        yield _fault("totals.participants_received", voters,
                     f"no more than the codes that were issued, {told(issued)}")


def _impossible_in_stretches(described: dict[str, Any], *, is_open: bool) -> Iterator[BundleFault]:
    """Find what descriptions published in stretches never say."""
    number, left = described["descriptions"], described["unpublished"]
    if 0 < number < FIRST_PEOPLE:
        yield _fault("participation.descriptions", number, f"none or {FIRST_PEOPLE} at least")
    most = STRETCH_PEOPLE if number else FIRST_PEOPLE
    if left is not None if is_open else not (_is_count(left) and left < most):
        yield _fault("participation.unpublished", left, "nothing while voting is open, then "
                     f"a count below {most}")
    for name in DESCRIBED_BY:
        counts = [cell["count"] for cell in described[name]]
        is_whole = all(_is_count(count) and count >= WITHHELD_BELOW for count in counts)
        if ([cell["value"] for cell in described[name]] != list(ANSWERS[name])
                or not (is_whole or set(counts) == {None})):
            yield _fault(f"participation.{name}", described[name], "every word, all withheld or "
                         f"each with {WITHHELD_BELOW} at least")


def _is_count(number: Any) -> bool:
    return type(number) is int and number >= 0


def _fault(path: str, found: Any, expected: str) -> BundleFault:
    return Different(f"{layout.RESULTS}, {path}",
                     f"published {told(found)}, which cannot be: it must be {expected}")
