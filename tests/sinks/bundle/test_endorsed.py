"""Bundles and recounts of a log that asks for endorsements leave out what has none, and no more."""

import json
from pathlib import Path

from deploy.local.services import ClickHouse
from producers.endorsing import endorsement, naming
from producers.known_catalogue import KnownCatalogue
from producers.signing import CatalogueKey, correction
from schemas import codec
from sinks.bundle import layout
from sinks.bundle.layout import AUDITOR, PUBLIC
from sinks.recount.checks import EQUAL, MISSING
from tests.schemas.announcements import ANNOUNCED, FORGER, OLD, described, first_announcement
from tests.sinks.ballots import CONSULTATION, random_box
from tests.sinks.bundle.making import audited, made, verified
from tests.sinks.bundle.parts import contents, joined, records
from tests.sinks.published import archived


FIRST = 6
"""Offset of the first record that a test adds to the catalogue."""


def closed() -> bytes:
    return codec.encode(
        "ConsultationClosed", event_id=bytes(16), consultation=CONSULTATION, closes_at=1,
        salt=bytes(16), origin="operator", occurred_at=1)


def endorsed() -> list[bytes]:
    """Name keys, describe a proposal without an endorsement, one with, and one that is hidden.

    Somebody closes the consultation without one, long before all votes, and writes words of the
    hidden proposal, which are withheld with the others.
    """
    announcement, known = first_announcement(), KnownCatalogue()
    known.apply(*codec.decode(announcement), 0, announcement)
    named = naming(known, [OLD], [], occurred_at=0)
    key = CatalogueKey(OLD.id, OLD.private, codec.decode(named)[1]["event_id"])
    forger = CatalogueKey(FORGER.id, FORGER.private, key.in_force)
    log = [announcement, named]
    written = [(described(CONSULTATION, proposal), by) for proposal, by in (
        ("forged", forger), ("endorsed", key), ("hidden", forger), ("hidden", key))]
    for value, by in (*written, (closed(), forger)):
        log += [value, endorsement(by, FIRST + len(log), value, occurred_at=0)]
    return [*log, correction(
        CatalogueKey(OLD.id, OLD.private, ANNOUNCED), "ProposalRetired", event_id=bytes([9] * 16),
        consultation=CONSULTATION, proposal="hidden", reason="a name", text_hidden=True,
        origin="operator", occurred_at=0)]


def test_a_bundle_holds_what_was_endorsed_and_verifies(
    clickhouse: ClickHouse, topic_prefix: str, tmp_path: Path
) -> None:
    """Its words withheld or not; without its endorsement, or the naming, records are missed."""
    found = made(clickhouse.url, topic_prefix, random_box(21, 60), tmp_path, endorsed())
    for kind in (AUDITOR, PUBLIC):
        verdict = verified(found.bundle(kind), policy=found.policy)
        document = json.loads(contents(found.bundle(kind))[layout.RESULTS])
        named = {each["id"] for each in document["proposals"]}

        assert (verdict.fault, verdict.verdict) == (None, EQUAL)
        assert {"endorsed", "hidden", "forged"} & named == {"endorsed", "hidden"}
    whole = contents(found.public)
    kept = records(whole, layout.KEYS)
    verdicts = [audited(found, {**whole, layout.KEYS: joined(
        [record for record in kept if record != left])}) for left in kept]
    assert {verdict.verdict for verdict in verdicts} == {MISSING}


def test_recounts_find_what_was_published(clickhouse: ClickHouse, topic_prefix: str) -> None:
    """From the archive, pure and in SQL, of a catalogue in which somebody forged."""
    audit = archived(clickhouse.url, topic_prefix, random_box(23, 60),
                     corrections=endorsed()).audit()

    assert audit.verdict == EQUAL
