"""Problems as RFC 9457 documents, and what people read about each at its `type` address."""

from dataclasses import dataclass

from views.encoding import encode_json
from views.pages.languages import message, translations


MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem; title and advice are messages of the catalogues."""

    name: str
    status: int
    title: str
    advice: str

    @property
    def address(self) -> str:
        return f"/problems/{self.name}"


UNKNOWN_CONSULTATION = ProblemKind(
    "unknown-consultation", 404,
    message("Unknown consultation"),
    message("No consultation has this identifier. The list of consultations names all of them."),
)
NOT_FOUND = ProblemKind(
    "not-found", 404,
    message("Page not found"),
    message("Nothing lies at this address. It may have been mistyped or cut off."),
)
METHOD_NOT_ALLOWED = ProblemKind(
    "method-not-allowed", 405,
    message("Method not allowed"),
    message("This address can only be read (GET or HEAD)."),
)
TOO_MANY_NAMED = ProblemKind(
    "too-many-named", 400,
    message("Too many proposals named"),
    message("A live stream follows 16 proposals at most. Name fewer of them, or read the results "
            "document, which holds all."),
)
TOO_MANY_STREAMS = ProblemKind(
    "too-many-streams", 503,
    message("Too many live streams"),
    message("All places for live figures are taken. The results themselves can be read at any "
            "time; try the live figures again in a few seconds."),
)
NOT_READY = ProblemKind(
    "not-ready", 503,
    message("Results are being read"),
    message("The service has just started and is reading the results. "
            "Try again in a few seconds."),
)
NOT_IN_LOG = ProblemKind(
    "not-in-log", 404,
    message("Not in the transparency log yet"),
    message("No signed checkpoint covers this vote yet. One is signed every few seconds: try "
            "again then. If it stays so, keep the receipt: it shows that the vote was taken."),
)
INTERNAL = ProblemKind(
    "internal-error", 500,
    message("Something went wrong on our side"),
    message("No vote is lost: results are computed from a log this page cannot change. "
            "Try again in a moment."),
)

PROBLEMS = {
    problem.name: problem
    for problem in (
        UNKNOWN_CONSULTATION, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_MANY_NAMED, TOO_MANY_STREAMS,
        NOT_READY, NOT_IN_LOG, INTERNAL,
    )
}


def of_status(status: int) -> ProblemKind:
    """Give the kind of problem of an HTTP status that no route of ours has explained."""
    by_status = {problem.status: problem for problem in (NOT_FOUND, METHOD_NOT_ALLOWED, NOT_READY)}
    return by_status.get(status, INTERNAL if status >= 500 else NOT_FOUND)


def encode(problem: ProblemKind, language: str, instance: str) -> bytes:
    """Write a problem in a language; `instance` is the path that was asked for."""
    texts = translations(language)
    return encode_json({
        "type": problem.address,
        "title": texts.gettext(problem.title),
        "status": problem.status,
        "detail": texts.gettext(problem.advice),
        "instance": instance,
    })
