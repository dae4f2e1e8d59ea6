"""The gateway's key and the logs behind the page that checks receipts."""

import contextlib
import json
from collections.abc import Callable, Sequence

from schemas.named_keys import KeyList, key_id, parse_keys
from schemas.registry import UnknownSchema
from schemas.topics import Topics
from sinks.faults import TreeRefused
from sinks.transparency.checkpoints import parse_checkpoint
from sinks.transparency.cosignatures import cosignatures
from sinks.transparency.notes import Refused, text_of
from sinks.transparency.policy import (
    POLICY,
    WITNESSED_POLICY,
    parse_policy,
    parse_witnesses,
    place_of,
)
from sinks.transparency.policy_file import KEYS
from sinks.transparency.receipts import NeverNamed, Receipt, Unreadable, parse_receipt
from sinks.transparency.serving import ServedLogs
from sinks.transparency.tlog_proof import parse_proof
from views.voting.receipts import Checked


KEYS_CHARACTERS_MAX = 8_000
"""A longer list of keys does not go into the file with the receipt, which must fit a form twice:
who needs it saves it apart. One of sixty keys is so long."""


class ReceiptChecker:
    """Checks receipts as `scrutin receipt verify` does, with what this place has."""

    def __init__(
        self, public: bytes, logs: ServedLogs, topics: Topics, *,
        held: Callable[[], Sequence[bytes]] = tuple,
    ) -> None:
        self._public, self._logs, self._topics, self._held = public, logs, topics, held
        """`held` gives the public keys that sign here now; `public` is the first of them."""
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
            keys = self._named()
            named = [key.public for key in keys.of("receipt")] if keys else []
            public = receipt.signed_by(
                list(dict.fromkeys((*named, *self._held(), self._public))), self._topics.votes)
        except NeverNamed as error:
            return found._replace(fault=str(error), key_state="unknown")
        except Refused as error:
            return found._replace(fault=str(error))
        known = keys.find("receipt", public) if keys else None
        found = found._replace(
            key=key_id(public), key_state=known.state if known else "unnamed")
        return self._logged(receipt, read, found, now, keys)

    def _named(self) -> KeyList | None:
        """Read the keys that the log names; None before the notary has listed them, all of them.

        A damaged list is none: the notary writes it anew at its start.
        """
        try:
            return parse_keys(self._logs.text(f"{self.prefix}/{KEYS}") or "")
        except ValueError:
            return None

    def _logged(
        self, receipt: Receipt, document: dict[str, object], found: Checked, now: float,
        keys: KeyList | None,
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
        listed = keys.text() if keys else ""
        beside = {"keys": listed} if 0 < len(listed) <= KEYS_CHARACTERS_MAX else {}
        return found._replace(
            verdict="logged", log=checkpoint.origin, size=checkpoint.size,
            witnesses=self._witnesses(proof),
            document=json.dumps({**document, "tlog_proof": proof, **beside}, indent=2))

    def look(self, partition: int, offset: int) -> Checked | None:
        if partition >= self._topics.partitions:
            return None
        proof = self._logs.proof(partition, offset)
        if proof is None:
            return Checked("running", place=(partition, offset))
        checkpoint = parse_checkpoint(text_of(parse_proof(proof).checkpoint))
        return Checked("logged", place=(partition, offset), log=checkpoint.origin,
                       size=checkpoint.size, witnesses=self._witnesses(proof))

    def _witnesses(self, proof: str) -> tuple[tuple[str, int], ...]:
        """Name who has countersigned a proof's checkpoint, of the witnesses that are asked here.

        One whose cosignature does not fit has not.
        """
        text = self._logs.text(f"{self.prefix}/{WITNESSED_POLICY}")
        try:
            quorum = parse_witnesses(text) if text else None
        except Refused:
            return ()
        found = []
        for witness in quorum.witnesses if quorum else ():
            with contextlib.suppress(Refused):
                found += cosignatures(parse_proof(proof).checkpoint, [witness])
        return tuple((one.witness.name, one.at) for one in found)
