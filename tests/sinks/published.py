"""A whole archived consultation and the document that was published of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processors.ledger.ledger import Ledger
from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.descriptions import Descriptions
from processors.results.results_document import AsOf, Figures
from schemas import codec
from schemas.genesis import announced
from schemas.topics import Topics
from schemas.words import COUNTS
from sinks.recount.audit import Audit, audit
from sinks.recount.people import People, PeopleLog
from sinks.recount.reading import Reading
from sinks.store import connect
from tests.sinks.ballots import BEGAN_AT, CONSULTATION, Box, Log, decide
from tests.sinks.stocking import log_of, open_store, stock


RECEIPT_KEYS = tuple(
    Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)).public_key().public_bytes_raw()
    for number in (101, 102))


def catalogue_log(
    box: Box, corrections: Sequence[tuple[str, dict[str, Any]] | bytes] = ()
) -> Log:
    """Describe two proposals in one idea; the others stay unknown. Bytes lie there as they are."""
    common = {"consultation": CONSULTATION, "origin": "operator", "occurred_at": BEGAN_AT}
    title = {"fr": "Un métier", "en": "A trade"}
    events: list[tuple[str, dict[str, Any]] | bytes] = [
        ("ThemeDescribed", {"theme": "axe", "title": title}),
        ("IdeaDescribed", {"idea": "idée", "theme": "axe", "title": title}),
        *(("ProposalAccepted", {"proposal": name, "text": title, "author": None})
          for name in ("p-0", "p-1")),
        *(("ProposalGrouped", {"proposal": name, "idea": "idée"}) for name in ("p-0", "p-1")),
    ]
    events += corrections
    if box.completed:
        events.append(("ClosingCompleted", {
            "closing": bytes(16), "offsets": [len(log) - 1 for log in box.logs]}))
    described = [each if isinstance(each, bytes) else codec.encode(
        each[0], **{"event_id": box.identifier(), **each[1], **common}) for each in events]
    if box.first_keys:
        event, fields = codec.decode(
            announced(2, 0, (), occurred_at=BEGAN_AT, first_keys=box.first_keys))
        # The same bytes whenever they are asked for.
        described.append(codec.encode(event, **{
            **fields, "event_id": b"announced".ljust(16), "salt": bytes(16)}))
    return [*described, *(named_keys() if box.names_keys else ())]


def named_keys() -> Log:
    """Name two keys of receipts, and retire the first."""
    return [codec.encode(
        "PublicKeyNamed", event_id=bytes([number] * 16), kind="receipt", name="",
        public=RECEIPT_KEYS[key], state=state, salt=bytes([number] * 16), origin="operator",
        occurred_at=BEGAN_AT)
        for number, (key, state) in enumerate([(0, "in_use"), (1, "in_use"), (0, "retired")])]


def folded(people: Sequence[bytes | None], consultation: str = CONSULTATION) -> Descriptions:
    """Fold a participants' log."""
    log = PeopleLog(consultation)
    for offset, value in enumerate(people):
        log.apply(value, offset)
    return log.people


def published(
    ledgers: list[Ledger], catalogue: Log, people: Sequence[bytes | None] = ()
) -> dict[str, Any]:
    """Publish what the ledgers hold, as the ideas worker and the views do."""
    known = Catalogue()
    for offset, value in enumerate(catalogue):
        known.apply(*codec.decode(value), offset, value)
    as_of = AsOf(tuple(ledger.last_offset for ledger in ledgers), len(catalogue) - 1,
                  len(people) - 1)
    figures, decided, every = Figures(proposals={}), dict[str, int](), dict[str, list[int]]()
    for ledger in ledgers:
        figures.rules = max(figures.rules, ledger.ledger_version)
        for (name, proposal), counts in ledger.every_count().items():
            if name == CONSULTATION:
                held = every.get(proposal, [0] * len(counts))
                every[proposal] = [a + b for a, b in zip(held, counts, strict=True)]
        voters = ledger.participation(CONSULTATION)
        figures.participants += voters.participants
        figures.participants_received += voters.participants_received
        figures.suspended += voters.suspended
        figures.controls_after_closing += voters.controls_after_closing
        for outcome, number in ledger.decided_by_outcome().items():
            decided[outcome] = decided.get(outcome, 0) + number
    for proposal, counts in every.items():
        figures.proposals[proposal] = counts[:len(COUNTS)]
        figures.routes[proposal] = counts[len(COUNTS):]
    figures.closed = all(ledger.participation(CONSULTATION).closed for ledger in ledgers)
    figures.descriptions = folded(people).published(closed=figures.closed)
    found = results_document.compute(CONSULTATION, figures, known, as_of, decided=decided,
                            undecodable=decided.get("refused_undecodable", 0))
    document: dict[str, Any] = json.loads(json.dumps(results_document.document(found, known)))
    return document


@dataclass
class Archived:
    """A consultation in the archive, with its document; ready to be tampered with."""

    client: Client
    topics: Topics
    document: dict[str, Any]
    people: Sequence[bytes | None] = ()
    """The participants' log, which no recount reads from the archive."""

    def audit(
        self, consultation: str = CONSULTATION, *, columns: bool = False, unread: str = ""
    ) -> Audit:
        """Audit the document; `unread` says why the participants' log cannot be read."""
        return audit(consultation, self.document, self.reading(), say=_quiet, wait_seconds=0,
                     columns=columns,
                     people=People(
                         None if unread else folded(self.people, consultation), unread))

    def reading(self) -> Reading:
        """Read the archive up to what was published."""
        return Reading(self.client, self.topics, self.document["as_of"]["votes"])


def archived(
    url: str, prefix: str, box: Box, *, decisions: list[list[bytes]] | None = None,
    corrections: Sequence[tuple[str, dict[str, Any]] | bytes] = (),
    people: Sequence[bytes | None] = (),
) -> Archived:
    """Decide a box, publish it, and put its logs into an archive of their own."""
    topics = Topics(prefix, box.partitions)
    store = open_store(url, prefix, prefix)
    ledgers, decided = decide(box)
    catalogue = catalogue_log(box, corrections)
    for partition in range(box.partitions):
        stock(store, log_of(topics, topics.votes), partition, box.logs[partition])
        kept: Log = list((decisions or decided)[partition])
        stock(store, log_of(topics, topics.decisions), partition, kept)
    stock(store, log_of(topics, topics.catalogue), 0, catalogue)
    return Archived(connect(url, prefix), topics,
                    published(ledgers, catalogue, people), people)


def _quiet(_progress: str) -> None:
    pass
