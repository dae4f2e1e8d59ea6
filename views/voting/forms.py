"""Forms of the booth as they come back: bounded, and turned into acts. Who may send one is the
desk's to say."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from schemas import problems
from schemas.words import CHOICES, QUALIFICATIONS
from views.voting.desk import Act, TurnedAway


FORM_BYTES = 2_048
"""Longest form: a vote needs three hundred bytes."""
FORM_FIELDS = 8
MORE = "more"
"""Asks for the next proposals."""
WITHDRAW = "withdraw"
DECLINE = "decline"
"""Says no to describing oneself."""

_KEY = re.compile(r"[\w-]{16,64}", re.ASCII)


class Intention(NamedTuple):
    """What a form asks for, under the key of the page it was on."""

    act: Act
    key: str
    word: str

    def idempotency_key(self, acts: int) -> str:
        """Name the intention: the same form sent twice is one, but not after another act between.

        Without the acts before it, a form that the back button brings would be taken for a repeat
        of what it said the first time, though the voter has changed his mind since.
        """
        return f"{self.key}.{acts}.{self.word}"


async def read(request: Request) -> dict[str, str]:
    """Read the fields of a form; raise TurnedAway where it is none or too large."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != "application/x-www-form-urlencoded":
        raise TurnedAway(problems.INVALID_REQUEST)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise TurnedAway(problems.TOO_LARGE)
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
    proposal, proof = form.get("proposal", ""), form.get("proof", "")
    if word in CHOICES:
        return Intention(Act("VoteCast", proposal, word, proof), key, word)
    if word == WITHDRAW:
        return Intention(Act("VoteWithdrawn", proposal, "", proof), key, word)
    sign, qualification = word[:1], word[1:]
    if sign in ("+", "-") and qualification in QUALIFICATIONS:
        event = "QualificationAdded" if sign == "+" else "QualificationWithdrawn"
        return Intention(Act(event, proposal, qualification, proof), key, word)
    raise TurnedAway(problems.INVALID_REQUEST)
