"""What can be wrong with a request, in words: one list for everybody who answers over HTTP.

Problems follow RFC 9457: `type` is an address below /problems/ where people read what happened
and what to do. Titles and advice are messages of the catalogues; whoever answers translates them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem; title and advice are messages of the catalogues."""

    name: str
    status: int
    title: str
    advice: str
    retry_seconds: int = 0
    """What to wait before the next attempt; 0: waiting does not mend it."""

    @property
    def address(self) -> str:
        return f"/problems/{self.name}"

    def document(self, translate: Callable[[str], str], instance: str) -> dict[str, Any]:
        """Write the problem in a language; `instance` is the path that was asked for."""
        return {
            "type": self.address,
            "title": translate(self.title),
            "status": self.status,
            "detail": translate(self.advice),
            "instance": instance,
        }


def message(text: str) -> str:
    """Mark a text in code as one of the catalogues; it is translated where it is shown."""
    return text


RETRY_SECONDS = 2
"""What is asked of somebody who meets a passing problem: a broker restarts in five."""

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
    message("This address takes no requests of this kind. The Allow header names those it takes."),
)
INTERNAL = ProblemKind(
    "internal-error", 500,
    message("Something went wrong on our side"),
    message("No vote is lost: results are computed from a log this page cannot change. "
            "Try again in a moment."),
)

# What is wrong with one field of a request, by the name that pydantic has for it

FAULTS = {
    "missing": message("is missing"),
    "extra_forbidden": message("is unknown: it may be misspelt"),
    "literal_error": message("is none of the words taken here"),
    "json_invalid": message("is no valid JSON"),
    "model_type": message("must be an object"),
    "list_type": message("must be a list"),
    "string_type": message("must be a text"),
    "int_type": message("must be a whole number"),
    "string_too_short": message("is shorter than allowed"),
    "string_too_long": message("is longer than allowed"),
    "too_long": message("is longer than allowed"),
    "greater_than_equal": message("is smaller than allowed"),
    "less_than": message("is larger than allowed"),
    "less_than_equal": message("is larger than allowed"),
}
"""What is allowed follows in parentheses, where it can be named."""
OTHER_FAULT = message("cannot be understood")


# What the gateway refuses. An earlier request for the same may have had no known outcome, so what
# was recorded is said of this request alone.

UNKNOWN_PROPOSAL = ProblemKind(
    "unknown-proposal", 404,
    message("Unknown proposal"),
    message("This consultation has no proposal of this identifier. It may have been withdrawn "
            "since the page was opened. Nothing was recorded by this request."),
)
RETIRED_PROPOSAL = ProblemKind(
    "retired-proposal", 409,
    message("This proposal is not voted on any more"),
    message("The organisers have taken it out of the vote; the results say when and why. Votes "
            "cast before stay, count, and can be withdrawn. Nothing was recorded by this request."),
)
NO_PARTNER = ProblemKind(
    "no-partner", 401,
    message("This key is not the partner's"),
    message("Batches are taken from partners of the consultation: `via` names the number, "
            "Authorization: Bearer has the key. A key ends when the organisers name another. "
            "Nothing was recorded by this request."),
)
UNKNOWN_PARTNER = ProblemKind(
    "unknown-partner", 404,
    message("This site takes no votes for this consultation"),
    message("The organisers do not name it among the sites on which people vote, or do so no more. "
            "Vote on the consultation's own page. Nothing was recorded by this request."),
)
NOT_YET_OPEN = ProblemKind(
    "not-yet-open", 409,
    message("Voting has not begun"),
    message("The consultation says on its page when it opens. "
            "Nothing was recorded by this request."),
)
CLOSED = ProblemKind(
    "closed", 409,
    message("Voting has ended"),
    message("The consultation is closed: votes are no longer taken, changed or withdrawn. "
            "Nothing was recorded by this request; one sent before, whose outcome nobody knew, "
            "counts if it came in time. The results can be read."),
)
CODE_NEEDED = ProblemKind(
    "code-needed", 403,
    message("This consultation asks for a code"),
    message("Votes are taken from people who were given a card with a code. Open the "
            "consultation's page to vote and type the code there, or follow the link on the card. "
            "Programs: post it as `code` in a form to /c/{consultation}/vote/code, and send the "
            "cookies back. Nothing was recorded by this request."),
)
WRONG_CODE = ProblemKind(
    "wrong-code", 403,
    message("This is no code of this consultation"),
    message("Look at the card again: it has seven groups of four letters and digits. Each "
            "consultation has codes of its own. Nothing was recorded by this request."),
)
NO_VOTE = ProblemKind(
    "no-vote", 409,
    message("A vote comes first"),
    message("A description is taken from people who have voted: vote once, then send the receipt "
            "of that vote with it."),
)
INVALID_REQUEST = ProblemKind(
    "invalid-request", 400,
    message("The request cannot be understood"),
    message("A field is missing, unknown or out of bounds: `errors` names each. "
            "/v1/openapi.json describes what is taken. Nothing was recorded by this request."),
)
INVALID_KEY = ProblemKind(
    "invalid-idempotency-key", 400,
    message("The Idempotency-Key cannot be used"),
    message("It has 1 to 128 visible ASCII characters. Take a random one for each new action, and "
            "the same one again for a retry."),
)
OTHER_SITE = ProblemKind(
    "other-site", 403,
    message("Requests from other sites are refused"),
    message("A page of another site tried to act in your name. Vote on the consultation's own "
            "page. Nothing was recorded by this request."),
)
NOT_JSON = ProblemKind(
    "not-json", 415,
    message("The request must be JSON"),
    message("Send the body with Content-Type: application/json."),
)
TOO_LARGE = ProblemKind(
    "too-large", 413,
    message("The request is too large"),
    message("A request has 4,096 bytes at most, a batch of a partner 60,000: a vote needs some "
            "hundred."),
)
TOO_MANY_REQUESTS = ProblemKind(
    "too-many-requests", 429,
    message("Too many requests"),
    message("Too many requests in a short time came from you, or from people who share your "
            "network. Wait a moment (programs: as long as Retry-After says), then try again. "
            "Nothing was recorded by this request."),
)
ENOUGH_FOR_TODAY = ProblemKind(
    "enough-for-today", 429,
    message("Enough descriptions for today"),
    message("More descriptions came from you, or from people who share your network, than are kept "
            "of one day. Nothing was recorded by this request. Votes are taken as ever. Send it "
            "tomorrow."),
)
UNAVAILABLE = ProblemKind(
    "votes-unavailable", 503,
    message("Votes cannot be taken at the moment"),
    message("Nothing was recorded by this request. Send it again in a few seconds, with the same "
            "Idempotency-Key."),
    RETRY_SECONDS,
)
BUSY = ProblemKind(
    "busy", 503,
    message("Too many votes at once"),
    message("Nothing was recorded by this request. Send it again in a few seconds, with the same "
            "Idempotency-Key."),
    RETRY_SECONDS,
)
UNKNOWN_OUTCOME = ProblemKind(
    "unknown-outcome", 504,
    message("Unknown whether this was recorded"),
    message("The log did not confirm in time: it may have been recorded, or may be in a moment. "
            "Send the same request again with the same Idempotency-Key: it is counted once."),
    RETRY_SECONDS,
)

OWN_FAULTS = (UNAVAILABLE, BUSY, UNKNOWN_OUTCOME, INTERNAL)
"""Refusals for which no voter did anything wrong."""
GATEWAY = (
    UNKNOWN_PROPOSAL, RETIRED_PROPOSAL, UNKNOWN_PARTNER, NO_PARTNER, NOT_YET_OPEN, CLOSED,
    CODE_NEEDED, WRONG_CODE, NO_VOTE, INVALID_REQUEST, INVALID_KEY, OTHER_SITE, NOT_JSON, TOO_LARGE,
    TOO_MANY_REQUESTS, ENOUGH_FOR_TODAY, UNAVAILABLE, BUSY, UNKNOWN_OUTCOME,
)
"""Problems of voting; pages about them are shown with all others."""
