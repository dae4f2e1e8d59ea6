"""The gateway's key and the logs behind the page that checks receipts."""

import json

from schemas.registry import UnknownSchema
from schemas.topics import Topics
from sinks.faults import TreeRefused
from sinks.transparency.checkpoints import parse_checkpoint
from sinks.transparency.notes import Refused, text_of
from sinks.transparency.policy import POLICY, parse_policy, place_of
from sinks.transparency.receipts import Receipt, Unreadable, parse_receipt
from sinks.transparency.serving import ServedLogs
from sinks.transparency.tlog_proof import parse_proof
from views.voting.receipts import Checked


class ReceiptChecker:
    """Checks receipts as `scrutin receipt verify` does, with what this place has."""

    def __init__(self, public: bytes, logs: ServedLogs, topics: Topics) -> None:
        self._public, self._logs, self._topics = public, logs, topics
        self.prefix = topics.prefix

    def check(self, document: bytes, now: float) -> Checked:
        try:
            read = json.loads(document)
            receipt = parse_receipt(read)
        except (ValueError, RecursionError, Unreadable, UnknownSchema) as error:
            return Checked("unreadable", str(error))
        except Refused as error:
            return Checked("unsigned", str(error))
        found = Checked("unsigned", fields=receipt.fields, due_at=receipt.due_at,
                        place=(receipt.partition, receipt.offset))
        try:
            receipt.require_signed(self._public, self._topics.votes)
        except Refused as error:
            return found._replace(fault=str(error))
        return self._logged(receipt, read, found, now)

    def _logged(
        self, receipt: Receipt, document: dict[str, object], found: Checked, now: float
    ) -> Checked:
        """Look for a signed receipt in the log."""
        try:
            proof = self._logs.proof(*found.place)
            policy = self._logs.text(f"{self.prefix}/{POLICY}")
            if proof is None or policy is None:
                late = now > receipt.due_at
                return found._replace(verdict="broken" if late else "running")
            place = place_of(self._topics, self._topics.votes, receipt.partition)
            checkpoint = receipt.require_logged(proof, parse_policy(policy), place)
        except (Refused, TreeRefused) as error:
            return found._replace(verdict="differs", fault=str(error))
        return found._replace(
            verdict="logged", log=checkpoint.origin, size=checkpoint.size,
            document=json.dumps({**document, "tlog_proof": proof}, indent=2))

    def look(self, partition: int, offset: int) -> Checked | None:
        if partition >= self._topics.partitions:
            return None
        proof = self._logs.proof(partition, offset)
        if proof is None:
            return Checked("running", place=(partition, offset))
        checkpoint = parse_checkpoint(text_of(parse_proof(proof).checkpoint))
        return Checked("logged", place=(partition, offset), log=checkpoint.origin,
                       size=checkpoint.size)
