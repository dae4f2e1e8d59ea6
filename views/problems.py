"""The problems of the views, and what people read about every problem at its `type` address."""

from schemas.problems import (
    GATEWAY,
    INTERNAL,
    INVALID_REQUEST,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    OTHER_SITE,
    RETRY_SECONDS,
    UNKNOWN_CONSULTATION,
    ProblemKind,
    message,
)
from views.encoding import encode_json
from views.pages.languages import translations


__all__ = ["INTERNAL", "INVALID_REQUEST", "MEDIA_TYPE", "METHOD_NOT_ALLOWED", "NOT_FOUND",
           "OTHER_SITE", "UNKNOWN_CONSULTATION"]

HIDDEN_RETRY_SECONDS = 60
"""What is asked of whoever wants a signed document whose words are hidden since."""
TOO_MANY_NAMED = ProblemKind(
    "too-many-named", 400,
    message("Too many proposals named"),
    message("A live stream follows 16 proposals at most. Name fewer of them, or read the results "
            "document, which holds all."),
)
RESULTS_IN_PAGES = ProblemKind(
    "results-in-pages", 400,
    message("Too many proposals for one answer"),
    message("This consultation has more than 10,000 proposals. Ask for its results in pages: with "
            "limit=1000 at the end of the address, then at the address that each page names."),
)
PAGE_GONE = ProblemKind(
    "page-gone", 410,
    message("These results have been replaced"),
    message("Pages are of one moment, and that of this page is kept no more. Begin again at the "
            "first page."),
)
TOO_MANY_STREAMS = ProblemKind(
    "too-many-streams", 503,
    message("Too many live streams"),
    message("All places for live figures are taken. The results themselves can be read at any "
            "time; try the live figures again in a few seconds."),
    RETRY_SECONDS,
)
TOO_MANY_READERS = ProblemKind(
    "too-many-readers", 503,
    message("Too many readers at once"),
    message("Pages are made one after the other, and many wait already. Votes are taken all the "
            "same; try again in a few seconds."),
    RETRY_SECONDS,
)
INVALID_HOST = ProblemKind(
    "invalid-host", 400,
    message("The request is for no address"),
    message("Its Host header, which browsers fill in with the address that was typed, is missing, "
            "sent twice, or not the name of a machine. A proxy passes it on as it came."),
)
NOT_READY = ProblemKind(
    "not-ready", 503,
    message("Results are being read"),
    message("The service has just started and is reading the results. "
            "Try again in a few seconds."),
    RETRY_SECONDS,
)
NOT_IN_LOG = ProblemKind(
    "not-in-log", 404,
    message("Not in the transparency log yet"),
    message("No signed checkpoint covers this vote yet. One is signed every few seconds: try "
            "again then. If it stays so, keep the receipt: it shows that the vote was taken."),
)

HIDDEN_SINCE = ProblemKind(
    "words-hidden-since", 503,
    message("The signed results show words that are hidden since"),
    message("The words of a proposal are shown no more, and the newest signed document still has "
            "them. Another one is signed within ten minutes; its figures are those of the results "
            "page."),
    HIDDEN_RETRY_SECONDS,
)

PROBLEMS = {
    problem.name: problem
    for problem in (
        UNKNOWN_CONSULTATION, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_MANY_NAMED, TOO_MANY_STREAMS,
        RESULTS_IN_PAGES, PAGE_GONE, TOO_MANY_READERS, INVALID_HOST, NOT_READY, NOT_IN_LOG,
        HIDDEN_SINCE, INTERNAL, *GATEWAY,
    )
}


def of_status(status: int) -> ProblemKind:
    """Return the kind of problem of an HTTP status that no route of ours has explained."""
    by_status = {problem.status: problem for problem in (NOT_FOUND, METHOD_NOT_ALLOWED, NOT_READY)}
    return by_status.get(status, INTERNAL if status >= 500 else NOT_FOUND)


def encode(problem: ProblemKind, language: str, instance: str) -> bytes:
    """Write a problem in a language; `instance` is the path that was asked for."""
    return encode_json(problem.document(translations(language).gettext, instance))
