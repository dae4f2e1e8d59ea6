"""A request that is refused, with the kind of problem it met."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from schemas.problems import FAULTS, OTHER_FAULT, ProblemKind


class Fault(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    kind: str
    """As in `problems.FAULTS`."""
    allowed: str = ""
    """A bound, or the words that are taken: the same in every language."""

    def document(self, translate: Callable[[str], str]) -> dict[str, str]:
        """Write it in a language."""
        said = translate(FAULTS.get(self.kind, OTHER_FAULT))
        return {"field": self.field,
                "message": f"{said} ({self.allowed})" if self.allowed else said}


class Refused(Exception):
    """What the caller is told, in his language; nothing was written unless the kind says so."""

    def __init__(
        self, problem: ProblemKind, *, headers: Mapping[bytes, bytes] | None = None,
        errors: Sequence[Fault] = (), away: Sequence[str] = (),
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.headers = dict(headers or {})
        self.errors = list(errors)
        self.away = list(away)
        """Partitions that take nothing at the moment, as TOPIC/NUMBER."""
