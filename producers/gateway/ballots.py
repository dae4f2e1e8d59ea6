"""What a voter does, as bytes: a ballot in the version of the rules that are announced. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from producers.gateway.view_proofs import Seen
from schemas import hot
from schemas.registry import current
from schemas.words import CHOICES, QUALIFICATIONS


class Act(NamedTuple):
    """What a voter does: a choice, a qualification, or taking one back."""

    kind: str
    """Name of the event it becomes."""
    proposal: str
    word: str = ""
    """The choice or qualification; empty for a withdrawn vote."""
    proof: str | None = None
    renewed: str | None = None
    """A proof of the moment of the act, in case the first is of a name that the browser lost."""
    solution: str | None = None
    """Work done that a challenge asked for."""
    leave: str | None = None
    """What a challenge said to bring after a wait."""


Head = tuple[bytes, bytes, bytes]
"""What every ballot begins with: event id, voter, salt."""
Way = tuple[int, int, Seen, int, str, int]
"""How a ballot came in: trust and origin by their indexes, what was seen, the partner's number,
consultation and time."""
Form = Callable[[Head, Act, Way], bytes]
"""Encodes an act in one version of ballots."""

KINDS = ("VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")
_WORDS = {name: index for words in (CHOICES, QUALIFICATIONS) for index, name in enumerate(words)}
"""Indexes of what acts can say."""
_FIRST, _SECOND = ({kind: hot.encoder(kind, version) for kind in KINDS} for version in (1, 2))


def form_of(rules: int) -> Form:
    """Return the form that ballots have under announced rules, later ones than ours included."""
    return _first if current("VoteCast", rules).version == 1 else _second


def _first(head: Head, act: Act, way: Way) -> bytes:
    kind, proposal, word = act[:3]
    trust, origin, _, _, consultation, occurred_at = way
    if word:
        return _FIRST[kind](
            *head, _WORDS[word], trust, origin, consultation, proposal, occurred_at)
    return _FIRST[kind](*head, trust, origin, consultation, proposal, occurred_at)


def _second(head: Head, act: Act, way: Way) -> bytes:
    kind, proposal, word = act[:3]
    trust, origin, (shown, pause, wording), via, consultation, occurred_at = way
    if word:
        return _SECOND[kind](*head, _WORDS[word], trust, origin, shown, pause, consultation,
                             proposal, occurred_at, via, wording)
    return _SECOND[kind](*head, trust, origin, shown, pause, consultation, proposal, occurred_at,
                         via, wording)
