"""Cards: what the booth's script makes its page of, as small JSON.

Theory of operation: a page holds one proposal; the script takes all that are in turn at once, each
with its proof, and votes through `/v1`. What it did there it says here afterwards, by the notes
that the gateway's answers bear: so the paper knows it, as if a form had been sent, and the answer
says what everybody votes. A note that comes twice says nothing new: an act is known by its place.
What is rare, a vote that waits for a check or was set aside, is shown by a page all the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json
from starlette.requests import Request

from schemas import problems
from views import asked
from views.pages import rendering
from views.voting import forms
from views.voting.desk import Act, Recorded, TurnedAway, Visit
from views.voting.paper import Mark, Paper


SAID_BYTES = 16_384
"""Longest body: a full list of notes and a challenge."""
NOTES = 32
"""Notes at once, at most: one comes after each act, and some wait while the network is away."""
COUNT_MOST = 1_000_000
"""Largest number of a challenge: seconds of a wait are fewer, and other proposals."""
NOTE_CHARACTERS = 640
"""Longest note that is read; see `producers.gateway.notes`."""
_BUTTONS = {"VoteWithdrawn": "withdraw", "QualificationAdded": "+", "QualificationWithdrawn": "-"}


class Challenge(NamedTuple):
    """What the door asked for by `/v1`, brought here to be shown."""

    step: int
    work: dict[str, Any] | None
    leave: str
    wait_seconds: int
    others_first: int
    problem: str | None


class Said(NamedTuple):
    """What the script says: what it was told of its acts, and which proposal it shows."""

    notes: list[str]
    proposal: str
    challenge: Challenge | None


async def read(request: Request) -> Said:
    """Read what the script sends; raise TurnedAway where it is nothing of the kind."""
    if asked.media_type_of(request) != "application/json":
        raise TurnedAway(problems.NOT_JSON)
    return said_by(await asked.body_of(request, SAID_BYTES))


def said_by(body: bytes) -> Said:
    """Read a body; raise TurnedAway."""
    try:
        said = from_json(body)
        notes, proposal, asks = said["notes"], said["proposal"], said.get("challenge")
        found = asks and Challenge(
            _count(asks["step"]), asks["work"], forms.leave(str(asks["leave"])),
            _count(asks["wait_seconds"]), _count(asks["others_first"]), asks["problem"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TurnedAway(problems.INVALID_REQUEST) from None
    if not (isinstance(notes, list) and len(notes) <= NOTES and isinstance(proposal, str)
            and all(isinstance(note, str) and len(note) <= NOTE_CHARACTERS for note in notes)):
        raise TurnedAway(problems.INVALID_REQUEST)
    return Said(notes, proposal, found or None)


def _count(said: Any) -> int:
    """Read a number that a page can show; raise ValueError."""
    if type(said) is not int or not 0 <= said <= COUNT_MOST:
        raise ValueError("no number that the door says")
    return said


def mark(paper: Paper, done: Iterable[tuple[Act, Recorded]]) -> None:
    """Mark on a paper what was recorded by `/v1`, in the order of the log, each once."""
    for act, recorded in sorted(done, key=lambda each: each[1].offset):
        known = paper.of(act.proposal)
        if known is None or known.last < recorded.offset:
            paper.mark(act, _button(act), recorded)


def _button(act: Act) -> str:
    """Name the button of an act, as forms do."""
    sign = _BUTTONS.get(act.event, "")
    return sign if act.event == "VoteWithdrawn" else sign + act.word


def card(
    paper: Paper, visit: Visit, proposal: str, said: Mapping[str, Any], language: str, *,
    retired: bool,
) -> dict[str, Any]:
    """Arrange one proposal with what the visitor did with it."""
    found = paper.of(proposal)
    text, spoken = rendering.shown_in(said["text"], language)
    return {
        "id": proposal, "text": text or rendering.plain(proposal),
        "language": spoken if text else None, "author": _author(said["author"]),
        "proof": visit.proof(proposal, paper.route(proposal)),
        "needs_page": retired or _is_rare(found), **_done(found, paper.partition)}


def _is_rare(found: Mark | None) -> bool:
    """Whether something is to be confirmed: the page says what, and why."""
    return found is not None and (
        bool(found.unproven) or (found.choice is not None and not found.trusted))


def _author(said: Mapping[str, Any] | None) -> dict[str, str | None] | None:
    if said is None:
        return None
    return {
        "name": rendering.plain(said["name"]), "kind": said["kind"],
        "age_band": said["age_band"] and rendering.plain(said["age_band"])}


def _done(found: Mark | None, partition: int) -> dict[str, Any]:
    if found is None:
        return {"acts": 0}
    return {
        "acts": found.acts, "choice": found.choice, "before": found.before,
        "qualifications": sorted(found.qualifications), "partition": partition,
        "last": found.last}
