"""What a bundle shows of what was done to words: votes before corrections, hidden ones. Pure."""

from collections.abc import Callable

from processors.results.catalogue import Catalogue
from processors.results.wordings import FORMATS_WITHOUT
from sinks.bundle import layout
from sinks.bundle.claims import TRUSTED, Claim, words_claims
from sinks.bundle.faults import Different, told
from sinks.bundle.layout import AUDITOR
from sinks.bundle.manifest import Manifest
from sinks.bundle.replay import Values
from sinks.recount.checks import DIFFERENT
from sinks.recount.cuts import Place, VotesAtCuts, cuts_of, former, is_reached
from sinks.recount.recomputing import Document


ValuesOf = Callable[[str, int], Callable[[], Values]]
"""Gives the records of a file up to an offset, from the first on."""


def require_words(
    manifest: Manifest, document: Document, catalogue: Catalogue, hidden: tuple[int, int],
    say: Callable[[str], None], values_of: ValuesOf,
) -> list[Claim]:
    """Hold the document's words against what else is here; say how each claim was checked.

    The words themselves were computed anew with the document, and `hidden` are the records without
    theirs, as `folding.unbound_records` counts them; raises Different.
    """
    known = catalogue.consultations.get(manifest.consultation)
    said = cuts_of(known)
    if document["format"] in FORMATS_WITHOUT:
        if former(said, known).status == DIFFERENT:
            raise Different(f"{layout.RESULTS}, format", "it tells nothing of corrections and "
                            "retirements, and the catalogue has some")
        return [Claim("that nobody changed words", TRUSTED, "the document is of a form that tells "
                      "nothing of words")]
    counted = {place: votes for place, votes in said.items()
               if manifest.kind == AUDITOR and is_reached(place, manifest.votes)}
    if counted:
        say("the votes before each correction")
        _require_votes(counted, manifest, values_of)
    number, unbound = hidden
    return words_claims(corrections=len(said), recounted=len(counted),
                        withheld=number, unbound=unbound)


def _require_votes(said: dict[Place, int], manifest: Manifest, values_of: ValuesOf) -> None:
    """Count the votes before each correction again."""
    found = VotesAtCuts(manifest.consultation, said)
    for number, last in enumerate(manifest.votes):
        found.follow(number, values_of(layout.votes(number), last)())
    for (cut, proposal), votes in said.items():
        if (again := found.counts[cut, proposal]) != votes:
            raise Different(
                layout.CATALOGUE, f"a correction says that {votes:,} votes were cast up to "
                f"{list(cut)} on {told(proposal or 'all proposals')}, recounted {again:,}")
