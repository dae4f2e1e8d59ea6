"""A verdict on a bundle for people, and for programs. Pure."""

from collections.abc import Iterator
from typing import Any

from schemas.named_keys import key_id
from sinks.bundle.claims import RECOMPUTED, TRUSTED
from sinks.bundle.faults import shortened
from sinks.bundle.verify import Verified
from sinks.printable import printable
from sinks.recount.checks import (
    DIFFERENT,
    EQUAL,
    EQUAL_BY_OWN_KEYS,
    EXIT_CODES,
    INVALID,
    MISSING,
    UNREADABLE,
)
from sinks.transparency.notes import to_base64


FORMAT = "scrutin-verification/1"
GIVEN, FROM_THE_BUNDLE = "given", "from the bundle"
"""Whose keys the signatures were checked with."""
SENTENCES = {
    EQUAL: "EQUAL: everything that can be recomputed from this bundle is what was published.",
    EQUAL_BY_OWN_KEYS:
        "EQUAL, BY KEYS THAT CAME WITH THE BUNDLE: it fits itself. Anybody can make such a bundle, "
        "of any numbers: give --policy with the keys that you or others kept, and it says whose "
        "numbers these are.",
    DIFFERENT: "DIFFERENT: what was recomputed is not what was published.",
    INVALID: "INVALID: this is not what was signed.",
    UNREADABLE: "UNREADABLE: the bundle cannot be read.",
    MISSING: "MISSING: something that must be there is not.",
}


def as_json(found: Verified, seconds: float) -> dict[str, Any]:
    """Return the report as a document."""
    manifest, fault = found.manifest, found.fault
    return {
        "format": FORMAT,
        "kind": manifest.kind if manifest else None,
        "consultation": manifest.consultation if manifest else None,
        "as_of": {"votes": list(manifest.votes), "catalogue": manifest.catalogue}
        if manifest else None,
        "verdict": found.verdict,
        "exit_code": EXIT_CODES[found.verdict],
        "keys": GIVEN if found.kept_keys else FROM_THE_BUNDLE,
        "fault": {"place": fault.place, "what": fault.what} if fault else None,
        "witnesses": [{"log": log, "witness": witness, "at": at}
                      for log, found_of in found.witnesses.items() for witness, at in found_of],
        "differing_decisions": found.differing_decisions,
        "records": found.records,
        "seconds": round(seconds, 3),
        "named_keys": [{"kind": key.kind, "name": key.name, "id": key_id(key.public),
                  "public": to_base64(key.public), "state": key.state}
                 for key in found.keys.keys],
        "claims": [vars(claim) for claim in found.claims],
    }


def lines(found: Verified, seconds: float, *, kept_checkpoints: int) -> Iterator[str]:
    """Yield the report as lines of text, the verdict last; nothing in them moves a terminal."""
    yield from map(printable, _lines(found, seconds, kept_checkpoints))


def _lines(found: Verified, seconds: float, kept_checkpoints: int) -> Iterator[str]:
    if found.manifest:
        yield (f"Bundle ({found.manifest.kind}) of {shortened(found.manifest.consultation)} as of "
               f"votes {list(found.manifest.votes)}")
        yield (f"{found.records:,} records of the ballot box in {seconds:.1f} s")
    for how in (RECOMPUTED, TRUSTED):
        for claim in found.claims:
            if claim.how == how:
                yield f"  {how}: {claim.what} ({claim.why})"
    if found.claims:
        yield from _outside(kept_checkpoints, kept_keys=found.kept_keys)
        yield from _witnessed(found)
    if found.fault:
        yield f"first fault: {found.fault.place}"
        yield f"  {found.fault.what}"
        if found.differing_decisions:
            yield f"  {found.differing_decisions:,} decisions differ in all"
    yield SENTENCES[found.verdict]


def _outside(kept_checkpoints: int, *, kept_keys: bool) -> Iterator[str]:
    """Say what vouches for the log from outside the bundle."""
    if kept_keys:
        yield "  recomputed: signatures, by the keys you gave"
    else:
        yield ("  trusted: the keys in the bundle are the operator's, and the log shown is the one "
               "others see (give --policy and --checkpoint that you or others kept)")
    if kept_checkpoints:
        yield f"  recomputed: the roots of the {kept_checkpoints} checkpoints you gave"


def _witnessed(found: Verified) -> Iterator[str]:
    """Say who has seen the logs grow to the checkpoints of the bundle."""
    if found.witnesses:
        names = sorted({witness for seen in found.witnesses.values() for witness, _ in seen})
        yield (f"  recomputed: cosignatures of witnesses ({', '.join(names)}) under the last "
               f"checkpoints of {len(found.witnesses)} logs, as many as your policy asks for")
