"""The full report: one file that holds everything, to be printed, kept and checked. Pure.

Theory of operation: it is made of the sections of the results page, unfolded, with a table of all
proposals; its style sheet lies in it, its links are whole addresses, and it asks nobody for
anything. So it says the same on paper, and in a file that somebody sends. Which position of the log
its figures are of stands under each of its headings, and the digest of the results document that
they are from beside the method.
"""

import base64
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

from processors.results.results_document import shares_hidden
from schemas.words import CHOICES, QUALIFICATIONS
from views.days import Told
from views.pages import results_page
from views.pages.rendering import static
from views.pages.results_page import Measure, measure


Entry = Mapping[str, Any]


@functools.cache
def style() -> str:
    """Return the style sheets that lie in the report."""
    return "".join(static(name).decode() for name in ("style.css", "report.css"))


@functools.cache
def style_source() -> str:
    """Name the style for a content security policy: these bytes, and no other style within."""
    digest = hashlib.sha256(style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def page(
    document: Entry, published_at: int | None, body: bytes, *, phase: str, told: Told | None,
    address: str, costs: dict[str, Any] | None,
) -> dict[str, Any]:
    """Arrange the whole document for the template; `body` is its JSON, others as on the page."""
    as_of, hidden = document["as_of"], shares_hidden(document)
    return {
        **results_page.page(
            document, published_at, phase=phase, told=told, address=address, costs=costs),
        "whole": True, "base": address, "style": style(),
        "position": "-".join(map(str, as_of["votes"])),
        "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body),
        "columns": () if hidden else (*CHOICES, *QUALIFICATIONS),
        "every": [_row(entry, hidden=hidden) for entry in document["proposals"]],
        "ranked_proposals": sum(1 for entry in document["proposals"] if entry.get("rank")),
    }


def _row(entry: Entry, *, hidden: bool) -> tuple[Entry, list[Measure]]:
    """Return a proposal with its counts in the order of the columns, and the shares of choices."""
    if hidden:
        return entry, []
    counted = entry["counted"]
    return entry, [
        *(measure(name, counted[name], counted["votes"]) for name in CHOICES),
        *(Measure(name, counted["qualifications"][name], counted["votes"], None)
          for name in QUALIFICATIONS)]
