"""The documents in a bundle: the published results, and the counts of leaves. Pure.

Each is read anew wherever it is needed, and held no longer: the votes need the memory meanwhile.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinks.bundle import layout
from sinks.bundle.bounded_json import read_json
from sinks.bundle.faults import BundleFault, Unreadable, told
from sinks.bundle.layout import CONSULTATIONS_MAX
from sinks.bundle.manifest import Manifest, catalogue_verifier
from sinks.bundle.packing import Bundle
from sinks.bundle.plausible import impossible
from sinks.recount.recomputing import Document
from sinks.transparency.notes import Refused, Verifier, open_note
from sinks.transparency.results_notes import hash_line, require_same, text_of_document


@dataclass(frozen=True)
class LeavesSaid:
    """What the bundle says of the logs' leaves."""

    consultations: dict[str, int]
    """Leaves of each."""
    suspensions: int
    """How many of this consultation's are suspensions and reinstatements."""


def said_leaves(bundle: Bundle) -> LeavesSaid:
    """Read the counts of leaves; raise Unreadable."""
    said = read_json(layout.LEAVES, bundle.read(layout.LEAVES),
                     layout.HELD_BYTES_MAX[layout.LEAVES])
    try:
        found = LeavesSaid(said["consultations"], said["suspensions"])
        numbers = (*found.consultations.values(), found.suspensions)
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(layout.LEAVES, f"not the counts of leaves: {error!r}") from error
    if len(numbers) > CONSULTATIONS_MAX + 1:
        raise Unreadable(layout.LEAVES, f"it names more than {CONSULTATIONS_MAX:,} consultations")
    for number in numbers:
        if type(number) is not int or number < 0:
            raise Unreadable(layout.LEAVES, f"not the counts of leaves: {told(number)} is none")
    return found


def published(bundle: Bundle, manifest: Manifest, logs: Mapping[str, Verifier]) -> Document:
    """Read the results document; raise unless it was signed and is of this bundle.

    The signature and the hash under it are checked before anything of the document is read.
    """
    body = bundle.read(layout.RESULTS)
    try:
        signed = open_note(bundle.text(layout.RESULTS_NOTE), [catalogue_verifier(logs)])
        require_same(signed.splitlines()[-1:], [hash_line(body)])
        document: Document = read_json(
            layout.RESULTS, body, layout.HELD_BYTES_MAX[layout.RESULTS], _each_once)
        require_same(signed.splitlines(), text_of_document(document, body).splitlines())
        held = document["as_of"]
        place = document["consultation"]["id"], tuple(held["votes"]), held["catalogue"]
        fault = next(impossible(document), None)
    except Refused as error:
        raise BundleFault(layout.RESULTS_NOTE, str(error)) from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Unreadable(layout.RESULTS, f"not a results document: {error!r}") from error
    if place != (manifest.consultation, manifest.votes, manifest.catalogue):
        raise BundleFault(layout.RESULTS, "it is of another consultation or other offsets than "
                          "the manifest says")
    if fault:
        raise fault
    return document


def published_again(bundle: Bundle) -> Document:
    """Read the results document another time: it was checked the first time."""
    document: Document = json.loads(bundle.read(layout.RESULTS))
    return document


def rules_of(document: Document) -> int:
    """Say by which rules a document says it was made: they decide which columns rows have."""
    rules = document.get("rules_version")
    if type(rules) is not int or rules < 1:
        raise Unreadable(layout.RESULTS, f"{told(rules)} is no version of the rules")
    return rules


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object of JSON; a name that stands in it twice could tell others another number."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
