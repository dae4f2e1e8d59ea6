"""The documents in a bundle: the published results, and the counts of leaves. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinks.bundle import layout
from sinks.bundle.faults import BundleFault, Unreadable
from sinks.bundle.manifest import Manifest, catalogue_verifier
from sinks.bundle.packing import Bundle
from sinks.bundle.plausible import impossible
from sinks.recount.recomputing import Document
from sinks.transparency.notes import Refused, Verifier
from sinks.transparency.results_notes import require_signed


@dataclass(frozen=True)
class LeavesSaid:
    """What the bundle says of the logs' leaves."""

    consultations: dict[str, int]
    """Leaves of each."""
    suspensions: int
    """How many of this consultation's are suspensions and reinstatements."""


def said_leaves(bundle: Bundle) -> LeavesSaid:
    """Read the counts of leaves; raise Unreadable."""
    try:
        said = json.loads(bundle.text(layout.LEAVES))
        found = LeavesSaid(dict(said["consultations"]), said["suspensions"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable(layout.LEAVES, f"not the counts of leaves: {error!r}") from error
    for number in (*found.consultations.values(), found.suspensions):
        if type(number) is not int or number < 0:
            raise Unreadable(layout.LEAVES, f"not the counts of leaves: {number!r} is none")
    return found


def published(bundle: Bundle, manifest: Manifest, logs: Mapping[str, Verifier]) -> Document:
    """Read the results document; raise unless it was signed and is of this bundle."""
    body, note = bundle.read(layout.RESULTS), bundle.text(layout.RESULTS_NOTE)
    try:
        require_signed(note, body, catalogue_verifier(logs))
        document: Document = json.loads(body, object_pairs_hook=_each_once)
        held = document["as_of"]
        place = document["consultation"]["id"], tuple(held["votes"]), held["catalogue"]
        faults = list(impossible(document))
    except Refused as error:
        raise BundleFault(layout.RESULTS_NOTE, str(error)) from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Unreadable(layout.RESULTS, f"not a results document: {error!r}") from error
    if place != (manifest.consultation, manifest.votes, manifest.catalogue):
        raise BundleFault(layout.RESULTS, "it is of another consultation or other offsets than "
                          "the manifest says")
    if faults:
        raise faults[0]
    return document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object of JSON; a name that stands in it twice could tell others another number."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
