"""Causes that rows withhold, taken over from the document where they can be true. Pure.

Theory of operation: a cause is told in all rows or in none, so what a document says of those that
no row bears is of the rows that withhold theirs: on each proposal they are no more than these.
"""

from collections.abc import Iterator
from typing import Any

from processors.results.routes import ROUTE_COUNTS
from sinks.bundle import layout
from sinks.bundle.ballots import SHARED_VOTERS, Summed
from sinks.bundle.claims import TRUSTED, Claim
from sinks.bundle.faults import BundleFault, Different, told


_CAUSE = "set_aside_cause_"
_PLACES = {name.removeprefix(_CAUSE): place for place, name in enumerate(ROUTE_COUNTS)
           if name.startswith(_CAUSE)}


def taken_over(document: dict[str, Any], rows: Summed) -> Iterator[BundleFault]:
    """Add the causes that rows withhold, as the document counts them; tell where it cannot be.

    Raises KeyError, TypeError or AttributeError where it is no document.
    """
    for entry in document["proposals"]:
        name, held = entry["id"], rows.withheld[entry["id"]]
        if not held or name not in rows.routes:
            continue
        said = {cause: number for cause, number in entry["set_aside_by_rule"].items()
                if cause in _PLACES and cause not in rows.causes}
        if all(type(number) is int and number >= 0 for number in said.values()) and (
                sum(said.values()) <= held):
            for cause, number in said.items():
                rows.routes[name][_PLACES[cause]] += number
        else:
            yield Different(
                f"{layout.RESULTS}, proposals.{name}.set_aside_by_rule", f"published "
                f"{told(said)} by rules that no row bears, and {held:,} rows withhold theirs")


def causes_claims(withheld: int) -> list[Claim]:
    """Say what is not told of so many rows, and what of it is taken over."""
    return [Claim(
        f"choice, day and cause of {withheld:,} suspended votes", TRUSTED, "withheld, for fewer "
        f"than {SHARED_VOTERS} voters share their cause: how many of a proposal are set aside by "
        "which of these rules is taken over, within the number of its rows; an auditor's bundle "
        "recomputes it")] if withheld else []
