"""A participants' log, for what folds one."""

import random

from schemas import codec
from schemas.registry import versions
from schemas.words import ANSWERS
from tests.sinks.ballots import CONSULTATION, Log


DAY, DAY_MILLISECONDS = 19_000, 86_400_000

def described(number: int, draw: random.Random, *, of: str = CONSULTATION) -> bytes:
    """Write what a participant tells of themselves; an answer in five is left out."""
    answers = {name: draw.choice(words) if draw.random() < 0.8 else None
               for name, words in ANSWERS.items()}
    return codec.encode_as(
        versions("ParticipantDescribed")[-1], event_id=draw.randbytes(16), consultation=of,
        participant=number.to_bytes(16, "big"), day=DAY, occurred_at=DAY * DAY_MILLISECONDS,
        origin="web", **answers)


def participants_log(seed: int, people: int) -> Log:
    """Draw a log: some describe themselves again, some elsewhere, and a record is unreadable."""
    draw = random.Random(seed)
    log: Log = [described(number, draw) for number in range(people)]
    log += [described(draw.randrange(people), draw) for _ in range(people // 10)]
    log += [described(number, draw, of="elsewhere") for number in range(people // 4)]
    draw.shuffle(log)
    return [*log[:people // 2], b"nothing of ours", *log[people // 2:]]
