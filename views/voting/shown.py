"""What the booth's pages show, from the catalogue, the paper and the results."""

import secrets
from collections.abc import Mapping
from typing import Any

from schemas.moments import moment as when
from schemas.moments import zone_of
from schemas.words import ANSWERS
from views.pages import rendering, results_page
from views.voting.desk import Visit
from views.voting.paper import Paper, qualifications_of


KEY_BYTES = 12
"""Of the random part of an Idempotency-Key: 96 bits."""


def ballot(
    paper: Paper, visit: Visit, proposal: str, said: Mapping[str, Any],
    entry: Mapping[str, Any] | None, now: int, language: str,
) -> dict[str, Any]:
    """Arrange one proposal; `entry` holds its counts where they may be shown.

    Now, in milliseconds since 1970.
    """
    mark = paper.of(proposal)
    choice = mark.choice if mark else None
    at = paper.sequence.index(proposal) if proposal in paper.sequence else None
    return {
        "proposal": {**said, "id": proposal},
        **rendering.words_of(said, proposal, language),
        "mark": mark,
        "partition": paper.partition,
        "choice": choice,
        "qualifications": [
            (word, mark is not None and word in mark.qualifications)
            for word in (qualifications_of(choice) if choice else ())],
        "measures": results_page.measures(entry) if entry and choice else None,
        "first": not paper.marks and not paper.older,
        "position": None if at is None else at + 1,
        "steps": [_step(paper, name, proposal) for name in paper.sequence],
        "next": paper.open_after(proposal),
        "proof": visit.proof(proposal, paper.route(proposal)),
        "key": new_key(),
        "shown_at": now,
        "invited": bool(choice) and not paper.described,
    }


def new_key() -> str:
    """Draw the random part of an Idempotency-Key: one a page."""
    return secrets.token_urlsafe(KEY_BYTES)


def _step(paper: Paper, name: str, current: str) -> str:
    mark = paper.of(name)
    done = mark is not None and mark.choice is not None
    return " ".join(word for word, holds in (("done", done), ("here", name == current)) if holds)


def moment(described: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Return an instant of a description in its time zone."""
    at = described.get(name)
    return None if at is None else instant(described, at / 1_000)


def instant(described: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return a time since 1970 in the time zone of a description."""
    zone = zone_of(described.get("time_zone"))
    return {"when": when(seconds * 1_000, zone), "zone": str(zone)}


def mine(paper: Paper, proposals: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List what the browser remembers, the latest first; of the older ones no place is known."""
    return [
        {"id": name, "text": proposals.get(name, {}).get("text"), "mark": mark,
         "place": f"{paper.partition}-{mark.last}" if mark.last >= 0 else None}
        for name, mark in reversed(paper.every().items()) if name in proposals
    ]


def answers(form: Mapping[str, str]) -> dict[str, str | None]:
    """Read a description; what is not offered was not said."""
    return {name: form[name] if form.get(name) in offered else None
            for name, offered in ANSWERS.items()}
