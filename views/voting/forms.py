"""Forms of the booth as they come back: bounded, and turned into acts. Who may send one is the
desk's to say."""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from schemas import problems
from schemas.words import CHOICES, QUALIFICATIONS
from views import asked
from views.voting.desk import Act, TurnedAway
from views.voting.paper import DONE_BYTES


FORM_BYTES = 4_096
"""Longest form: a vote needs three hundred bytes, with the work that the door asked for 1,900."""
FORM_FIELDS = 8
DOUBLE_CLICK_MILLISECONDS = 500
"""A page so young was not read: who takes a qualification back on it has clicked twice."""
MORE = "more"
"""Asks for the next proposals."""
WITHDRAW = "withdraw"
REVIEW = "review"
"""Asks a person to look at votes that a rule set aside."""
DECLINE = "decline"
"""Says no to describing oneself."""

_TIME = re.compile(r"\d{13}", re.ASCII)
_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)
_LEAVE = re.compile(r"[\w-]{1,64}", re.ASCII)


class Intention(NamedTuple):
    """What a form asks for, under the key of the page it was on."""

    act: Act
    key: str
    word: str
    shown_at: int
    """Milliseconds since 1970 when the page was made, by its own word."""

    def is_second_click(self, now: int) -> bool:
        """Whether this undoes what the first click of the same button did."""
        young = 0 <= now - self.shown_at < DOUBLE_CLICK_MILLISECONDS
        return young and self.act.event == "QualificationWithdrawn"

    def mark(self) -> bytes:
        """Stand for this button of this very form; nobody guesses another of the same mark."""
        said = f"{self.key}.{self.act.proposal}.{self.word}".encode()
        return hashlib.blake2b(said, digest_size=DONE_BYTES).digest()

    def idempotency_key(self, acts: int) -> str:
        """Name the intention: the same form sent twice is one, but not after another act between.

        Without the acts before it, a form that the back button brings would be taken for a repeat
        of what it said the first time, though the voter has changed his mind since.
        """
        return f"{self.key}.{acts}.{self.word}"


async def read(request: Request) -> dict[str, str]:
    """Read the fields of a form; raise TurnedAway where it is none or too large."""
    if asked.media_type_of(request) != "application/x-www-form-urlencoded":
        raise TurnedAway(problems.INVALID_REQUEST)
    try:
        body = await asked.body_of(request, FORM_BYTES)
    except HTTPException:
        raise TurnedAway(problems.TOO_LARGE) from None
    try:
        return dict(parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict"))
    except ValueError:
        raise TurnedAway(problems.INVALID_REQUEST) from None


def intention(form: Mapping[str, str]) -> Intention:
    """Read what a form asks for; raise TurnedAway where it is nothing we offer."""
    word, key = form.get("act", ""), form.get("key", "")
    if not _KEY.fullmatch(key):
        raise TurnedAway(problems.INVALID_REQUEST)
    event, said = _event(word)
    shown = form.get("shown", "")
    act = Act(event, form.get("proposal", ""), said, form.get("proof", ""),
              form.get("renewed", ""), form.get("solution", ""), form.get("leave", ""))
    return Intention(act, key, word, int(shown) if _TIME.fullmatch(shown) else 0)


def leave(text: str) -> str:
    """Return what an address brings after a wait; nothing where it cannot be that."""
    return text if _LEAVE.fullmatch(text) else ""


def _event(word: str) -> tuple[str, str]:
    """Return the event of a button's value, and the word in it."""
    if word in CHOICES:
        return "VoteCast", word
    if word == WITHDRAW:
        return "VoteWithdrawn", ""
    sign, qualification = word[:1], word[1:]
    if sign in ("+", "-") and qualification in QUALIFICATIONS:
        return ("QualificationAdded" if sign == "+" else "QualificationWithdrawn"), qualification
    raise TurnedAway(problems.INVALID_REQUEST)
