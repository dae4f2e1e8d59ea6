"""What an examination finds: one answer a question, with the remedy. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from schemas.exit_codes import EXIT_FAILED, EXIT_MISSING


GOOD, BAD, UNKNOWN = STATES = ("good", "bad", "unknown")


@dataclass(frozen=True)
class Answer:
    """How one thing stands."""

    about: str
    """What was looked at, as `kafka.brokers`."""
    state: str
    """One of STATES."""
    said: str
    remedy: str = ""
    """What to do; empty only where it is good."""


def good(about: str, said: str) -> Answer:
    return Answer(about, GOOD, said)


def bad(about: str, said: str, remedy: str) -> Answer:
    return Answer(about, BAD, said, remedy)


def unknown(about: str, said: str, remedy: str) -> Answer:
    return Answer(about, UNKNOWN, said, remedy)


def exit_code(answers: Iterable[Answer]) -> int:
    """Return 0 where all is good, 1 where anything is bad, 3 where something is unknown."""
    states = {each.state for each in answers}
    if BAD in states:
        return EXIT_FAILED
    return EXIT_MISSING if UNKNOWN in states else 0


def counts(answers: Iterable[Answer]) -> dict[str, int]:
    """Count the answers of each state."""
    found = [each.state for each in answers]
    return {state: found.count(state) for state in STATES}


def without(secrets: Iterable[str], answer: Answer) -> Answer:
    """Take secrets out of what libraries may have quoted."""
    said, remedy = answer.said, answer.remedy
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said, remedy = said.replace(secret, "***"), remedy.replace(secret, "***")
    return replace(answer, said=said, remedy=remedy)


def short(answer: Answer, most: int) -> Answer:
    """Cut what is said to so many characters."""
    if len(answer.said) <= most:
        return answer
    return replace(answer, said=f"{answer.said[:most]}…")


def document(answers: list[Answer]) -> dict[str, Any]:
    """Return all answers for programs."""
    return {"answers": [asdict(each) for each in answers], **counts(answers),
            "exit_code": exit_code(answers)}
