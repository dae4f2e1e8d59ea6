"""What happens on the way to a counted vote that must not change any figure.

Theory of operation: what a voter does on one proposal is a script of steps. A step is an event of
the ballot box: all four share one layout, so a step is just its header, its few code bytes and
how long the voter waits before. Whatever the script, it ends with the counted choice and
qualifications of its card (or, for `withdrawn`, with nothing on another proposal).
"""

import functools
import random
from enum import IntEnum
from typing import NamedTuple

from producers.campaign.deal import CODES, MASKS
from schemas import hot
from schemas.registry import HEADER_BYTES, current
from schemas.words import CHOICES, ORIGINS, QUALIFICATIONS, QUALIFICATIONS_PER_CHOICE, SHOWN, TRUSTS


class Noise(IntEnum):
    """Kinds of noise, named as their amounts in `priors.Amounts`."""

    NONE = 0
    REPEATED = 1
    SAME_AGAIN = 2
    CHANGED = 3
    CHANGED_THEN_REPEATED = 4
    CAST_AGAIN = 5
    WITHDRAWN = 6
    QUALIFICATION_WITHDRAWN = 7
    QUALIFICATION_AGAIN = 8
    WRONG_CHOICE = 9
    UNPROVEN_CHANGE = 10


class Step(NamedTuple):
    """One event of a voter on a proposal."""

    header: bytes
    """Confluent header; empty: the first event of the script is delivered again, bytes and all."""
    codes: bytes
    """The enums between salt and consultation, as encoded."""
    wait_ms: int
    spread_ms: int
    """The wait is wait_ms and up to spread_ms more; LATER: any time before the closing."""


LATER = -1
VOTE_WAIT = (2_500, 14_000)
"""Reading a proposal takes seconds."""
QUALIFY_WAIT = (700, 2_500)
RETRY_WAIT = (300, 6_000)
"""A client that got no answer tries again soon."""
SECOND_THOUGHT_WAIT = (4_000, 60_000)
SAME_AGAIN_LATER, EARLIER_QUALIFIED = 0.5, 0.5
"""Half of the second votes come another day; half of the superseded ones were qualified."""

TRUSTED, SUSPECT = (TRUSTS.index(name) for name in ("trusted", "suspect"))
SIMULATION = ORIGINS.index("simulation")
_CODES_AT = HEADER_BYTES + 3 * 16
"""The code bytes follow event_id, voter and salt."""


@functools.cache
def _event(name: str, *codes: int) -> tuple[bytes, bytes]:
    """Encode a sample and cut out its header and code bytes: their place is the schema's."""
    sample = hot.encoder(name)(bytes(16), bytes(16), bytes(16), *codes, SIMULATION, "c", "p", 0)
    return sample[:HEADER_BYTES], sample[_CODES_AT:_CODES_AT + len(codes) + 1]


def cast(choice: int, wait: tuple[int, int] = VOTE_WAIT, trust: int = TRUSTED) -> Step:
    return Step(*_event("VoteCast", choice, trust), *wait)


def withdraw(wait: tuple[int, int] = SECOND_THOUGHT_WAIT) -> Step:
    return Step(*_event("VoteWithdrawn", TRUSTED), *wait)


def qualify(qualification: int, trust: int = TRUSTED) -> Step:
    return Step(*_event("QualificationAdded", qualification, trust), *QUALIFY_WAIT)


def unqualify(qualification: int) -> Step:
    return Step(*_event("QualificationWithdrawn", qualification, TRUSTED), *QUALIFY_WAIT)


HEADERS_2 = {current(event, 1).header: current(event, 2).header for event in (
    "VoteCast", "VoteWithdrawn", "QualificationAdded", "QualificationWithdrawn")}
"""What version 2 of a ballot begins with, by the header of version 1."""
_PAUSE_UNKNOWN = 15
SERVED, ASKED = (bytes((2 * SHOWN.index(name), 2 * _PAUSE_UNKNOWN)) for name in ("served", "asked"))
"""What version 2 says behind its other codes: the route by which a proposal was reached."""
ENDING_2 = hot.long(0) + hot.long(-1)
"""Behind the instant: of no partner, and a wording that nobody told."""

DELIVER_AGAIN = Step(b"", b"", *RETRY_WAIT)


def held(code: int) -> list[int]:
    """Return the qualifications of a card, by index."""
    choice, mask = divmod(code, MASKS)
    first = choice * QUALIFICATIONS_PER_CHOICE
    return [first + bit for bit in range(QUALIFICATIONS_PER_CHOICE) if mask >> bit & 1]


def plain(code: int, trust: int = TRUSTED) -> tuple[Step, ...]:
    """The script of most cards: the vote, then its qualifications."""
    return cast(code // MASKS, trust=trust), *(qualify(name, trust) for name in held(code))


PLAIN = tuple(plain(code) for code in range(CODES))


def proven(code: int) -> tuple[Step, ...]:
    """A vote without view proof that its voter proves later."""
    choice = code // MASKS
    return (cast(choice, trust=SUSPECT), cast(choice, (0, LATER)), *PLAIN[code][1:])


def script(kind: Noise, code: int, chance: random.Random) -> tuple[Step, ...]:
    """Write the script of a card with noise of a kind on its own proposal."""
    choice, steps = code // MASKS, PLAIN[code]
    vote, *qualifications = steps
    match kind:
        case Noise.REPEATED:
            steps = (vote, DELIVER_AGAIN, *qualifications)
        case Noise.SAME_AGAIN:
            wait = (0, LATER) if chance.random() < SAME_AGAIN_LATER else SECOND_THOUGHT_WAIT
            steps = (*steps, cast(choice, wait))
        case Noise.CHANGED | Noise.CHANGED_THEN_REPEATED:
            steps = _changed(kind, code, chance)
        case Noise.CAST_AGAIN:
            steps = (*steps, withdraw(), cast(choice, (0, LATER)), *qualifications)
        case Noise.QUALIFICATION_WITHDRAWN | Noise.QUALIFICATION_AGAIN:
            steps = _qualification_withdrawn(kind, code, chance)
        case Noise.WRONG_CHOICE:
            wrong = qualify(_of_choice(_other(choice, chance), chance))
            steps = (vote, wrong, *qualifications)
        case Noise.UNPROVEN_CHANGE:
            steps = (*steps, cast(_other(choice, chance), (0, LATER), SUSPECT))
    return steps


def withdrawn(choice: int) -> tuple[Step, ...]:
    """The script of a vote that is withdrawn for good."""
    return cast(choice), qualify(choice * QUALIFICATIONS_PER_CHOICE), withdraw()


def _changed(kind: Noise, code: int, chance: random.Random) -> tuple[Step, ...]:
    earlier = _other(code // MASKS, chance)
    first = [cast(earlier)]
    if chance.random() < EARLIER_QUALIFIED:
        first.append(qualify(_of_choice(earlier, chance)))
    again = (DELIVER_AGAIN,) if kind is Noise.CHANGED_THEN_REPEATED else ()
    return (*first, cast(code // MASKS, (0, LATER)), *again, *PLAIN[code][1:])


def _qualification_withdrawn(kind: Noise, code: int, chance: random.Random) -> tuple[Step, ...]:
    """Withdraw a qualification that the card does not hold, or one that it holds and add it again.

    A card that holds all (or none) has no choice between the two.
    """
    kept = held(code)
    first = code // MASKS * QUALIFICATIONS_PER_CHOICE
    free = [name for name in range(first, first + QUALIFICATIONS_PER_CHOICE) if name not in kept]
    if kept and (kind is Noise.QUALIFICATION_AGAIN or not free):
        name = chance.choice(kept)
        return (*PLAIN[code], unqualify(name), qualify(name))
    name = chance.choice(free)
    return (PLAIN[code][0], qualify(name), unqualify(name), *PLAIN[code][1:])


def _other(choice: int, chance: random.Random) -> int:
    return (choice + chance.randrange(1, len(CHOICES))) % len(CHOICES)


def _of_choice(choice: int, chance: random.Random) -> int:
    return choice * QUALIFICATIONS_PER_CHOICE + chance.randrange(QUALIFICATIONS_PER_CHOICE)


assert len(QUALIFICATIONS) == len(CHOICES) * QUALIFICATIONS_PER_CHOICE
