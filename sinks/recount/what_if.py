"""Recount under a supposition, and say what it changes against what was published.

The votes are those the published result was decided from: the chain of the archived bytes, as they
are, must be that of the archived decision at the last offset, whatever is supposed of them.
"""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from processors.ledger.ledger import Ledger
from processors.results import results_document, routes
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf
from schemas.chains import NO_CHAIN, linked
from schemas.exit_codes import EXIT_FAILED
from schemas.words import CHOICES
from sinks.catching_up import WAIT_SECONDS, Say
from sinks.recount import supposing
from sinks.recount.faults import OtherVotesDecided
from sinks.recount.pure import PureRecount, decide_all
from sinks.recount.reading import Reading
from sinks.recount.recomputing import Document, recomputed
from sinks.recount.supposing import BadSupposition, Rewrite, Supposition


EXIT_CODES = {False: 0, True: EXIT_FAILED}
"""As `diff` has it: 1 where the supposition changes a published number."""


@dataclass(frozen=True)
class Change:
    """One number that would be another."""

    of: str
    """`totals`, `idea` or `proposal`."""
    id: str
    name: str
    published: Any
    supposed: Any


@dataclass
class WhatIf:
    """A published document, the one that a supposition gives, and what they rest on."""

    supposed: Supposition
    published: Document
    document: Document
    positions: list[dict[str, Any]]
    """Partition, last offset and chain of the votes recounted."""
    catalogue: dict[str, Any]
    """Offset and chain of the catalogue records folded, and of those that group proposals."""
    changes: list[Change] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[bool(self.changes)]


def what_if(
    consultation: str, document: Document, supposed: Supposition, reading: Reading, *, say: Say,
    wait_seconds: float = WAIT_SECONDS,
) -> WhatIf:
    """Recount a consultation as supposed; `reading` is of what was published."""
    began = time.monotonic()
    supposed = supposed.placed(ZoneInfo(document["consultation"]["time_zone"]))
    catalogue_offset = document["as_of"]["catalogue"]
    reading.wait(catalogue_offset, say=say, seconds=wait_seconds)
    until = reading.until(supposed.until) if supposed.until else []
    reading = reading.at(supposing.vector(supposed, reading.vector, until))
    mapping_offset = catalogue_offset if supposed.mapping_as_of is None else supposed.mapping_as_of
    # What was written a moment ago, a grouping for one, is archived half a minute later.
    reading.wait(max(catalogue_offset, mapping_offset), say=say, seconds=wait_seconds)
    ledgers, positions = _decided(reading, supposing.rewrite(supposed), say)
    catalogue = _mapped(reading, consultation, catalogue_offset, mapping_offset)
    figures = ledgers.figures(
        consultation, also={proposal["id"] for proposal in document["proposals"]})
    positions_held = AsOf(
        tuple(reading.vector), catalogue_offset, document["as_of"]["participants"])
    made = recomputed(document, figures, catalogue, positions_held, ledgers.decided())
    if supposed.scores not in (None, made["scores_version"]):
        raise BadSupposition(f"scores {supposed.scores} belong to other rules than these votes are "
                             f"counted by, which have {made['scores_version']}.")
    return WhatIf(
        supposed, document, made, positions,
        {"offset": catalogue_offset, "chain": reading.catalogue_chain(catalogue_offset),
         "mapping_offset": mapping_offset,
         "mapping_chain": reading.catalogue_chain(mapping_offset)},
        list(changes(document, made)), round(time.monotonic() - began, 3))


def _decided(
    reading: Reading, rewrite: Rewrite | None, say: Say
) -> tuple[PureRecount, list[dict[str, Any]]]:
    """Decide the votes as supposed; the positions are of the votes as they are."""
    partitions = len(reading.vector)
    found = PureRecount([Ledger(partition, partitions, reading.first_adoptions(partition))
                         for partition in range(partitions)])
    positions = []
    for ledger, last in zip(found.ledgers, reading.vector, strict=True):
        chain = NO_CHAIN
        for offsets, values in reading.votes(ledger.partition):
            supposed = values
            if rewrite:
                for value in values:
                    chain = linked(chain, value or b"")
                supposed = [value and rewrite(value) for value in values]
            decide_all(ledger, offsets, supposed)
            say(f"what if: partition {ledger.partition}, {ledger.last_offset + 1:,} of "
                f"{last + 1:,}")
        chain = chain if rewrite else ledger.chain
        _require_decided(reading, ledger.partition, chain)
        positions.append({"partition": ledger.partition, "offset": last, "chain": chain.hex()})
    return found, positions


def _require_decided(reading: Reading, partition: int, chain: bytes) -> None:
    """Raise OtherVotesDecided unless the archived decision of the last vote has this chain."""
    last = reading.vector[partition]
    if last < 0:
        return
    archived = reading.chain(partition, last)
    if chain != archived:
        raise OtherVotesDecided(
            f"votes partition {partition}: the decision of offset {last} does not commit to the "
            "archived votes. Nothing can be supposed of them before `scrutin audit recount` "
            "without a what-if agrees.")


def _mapped(
    reading: Reading, consultation: str, catalogue_offset: int, mapping_offset: int
) -> Catalogue:
    """Fold the catalogue, with the proposals grouped as of another offset."""
    catalogue = reading.catalogue(catalogue_offset)
    other = reading.catalogue(mapping_offset).consultations.get(consultation)
    known = catalogue.consultations.get(consultation)
    if known is not None:
        known.mapping = other.mapping if other else {}
        # Ideas described only later: needed to name what those proposals are grouped in.
        known.ideas = known.ideas | {name: fields for name, fields in (
            other.ideas if other else {}).items() if name not in known.ideas}
    return catalogue


def changes(published: Document, made: Document) -> Iterator[Change]:
    """Compare totals, ideas and proposals, number by number."""
    ranked = published["as_of"].get("ranking") == published["as_of"]["votes"]
    yield from _changed("totals", "", _totals(published), _totals(made))
    for kind, name in (("idea", "ideas"), ("proposal", "proposals")):
        before, after = (
            {entry["id"]: _numbers(entry, ranked=ranked) for entry in document[name]}
            for document in (published, made))
        for identifier in {**before, **after}:
            yield from _changed(
                kind, identifier, before.get(identifier, {}), after.get(identifier, {}))


def _changed(
    kind: str, identifier: str, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Change]:
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield Change(kind, identifier, name, before.get(name), after.get(name))


def _totals(document: Document) -> dict[str, Any]:
    totals = document["totals"]
    return {
        "state": document["state"],
        **{name: totals[name] for name in (
            "participants", "participants_received", "suspended_voters", "undecodable")},
        **_numbers(totals, ranked=False),
    }


def _numbers(block: Document, *, ranked: bool) -> dict[str, Any]:
    """Return what people look at first in a block, then every count."""
    return {
        "votes": block["counted"]["votes"],
        **results_document.flat(block), **routes.flat(block),
        **{f"share_{choice}": block["shares"].get(choice) for choice in CHOICES},
        **{f"drawn_share_{choice}": block.get("drawn", {}).get("shares", {}).get(choice)
           for choice in CHOICES},
        **{f"score_{name}": score["value"] for name, score in block["scores"].items()},
        "zone": block["zone"],
        **({"idea": block["idea"]} if "idea" in block else {}),
        **({"rank": (block["rank"] or {}).get("position"),
            "drawn_rank": (block.get("drawn_rank") or {}).get("position")} if ranked else {}),
    }


def sha256(document: Document) -> str:
    """Hash a document as JSON with sorted keys and no spaces, in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def only(changes: list[Change], kind: str) -> dict[str, list[Change]]:
    """Return the changes of totals, ideas or proposals by identifier."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        if change.of == kind:
            found.setdefault(change.id, []).append(change)
    return found
