"""A request that is refused, with the kind of problem it met."""

from collections.abc import Mapping, Sequence

from schemas.problems import ProblemKind


class Refused(Exception):
    """What the caller is told, in his language; nothing was written unless the kind says so."""

    def __init__(
        self, problem: ProblemKind, *, headers: Mapping[bytes, bytes] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(problem.name)
        self.problem = problem
        self.headers = dict(headers or {})
        self.errors = list(errors)
