"""Records without words in a bundle: are they what was said when their words were hidden? Pure."""

from hashlib import sha256

from processors.results.catalogue import Consultation, Retirement


def hidden_in(known: Consultation | None) -> set[str]:
    """List the proposals whose words nobody is shown."""
    return {name for name, found in known.retired.items() if found.hidden} if known else set()


def hiding(known: Consultation | None, proposal: str) -> Retirement | None:
    """Return the retirement that hides the words of a proposal; None where none does."""
    found = known.retired.get(proposal) if known else None
    return found if found and found.hidden else None


def is_said(known: Consultation | None, proposal: str, offset: int, value: bytes) -> bool:
    """Whether a record without its words is one that the retirement names, if it names any."""
    found = hiding(known, proposal)
    return not (found and found.records) or found.records.get(offset) == sha256(value).digest()
