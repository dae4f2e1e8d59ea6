"""A result is signed whole: its ranks of the votes its counts hold, and all under checkpoints."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from processors.ledger import tally_records
from processors.ledger.ledger import Ledger
from processors.results.ideas import Ideas
from schemas import codec
from schemas.topics import Topics
from scrutin.notary import results_notary
from scrutin.notary.results_notary import ResultsNotary
from sinks.transparency.notes import Signer
from sinks.transparency.results_folder import ResultsFolder
from tests.processors.ledger.logs import CONSULTATIONS, PARTITION, PARTITIONS, adopted, closed, vote
from tests.processors.ledger.logs_2 import adopted_2
from tests.producers.gateway import booths
from views.reader import ResultsReader


class Logs:
    """Checkpoints up to an offset, and the key that signs."""

    def __init__(self) -> None:
        self.covered = -1
        self.signed = 0
        self._signer = Signer("example.org/log", Ed25519PrivateKey.generate())

    def covers(self, votes: Sequence[int], _catalogue: int) -> bool:
        return max(votes) <= self.covered

    def sign_note(self, text: str) -> str:
        self.signed += 1
        return self._signer.sign(text)


class Town:
    """A ledger that takes votes, ideas that publish them, and a notary that follows."""

    def __init__(self, folder: Path, rules: bytes | None = None) -> None:
        self.logs, self.folder = Logs(), ResultsFolder(folder)
        self.reader = ResultsReader("nowhere:1", Topics("town", 1))
        self.notary = ResultsNotary(self.reader, self.logs, self.folder)
        self._ledger, self._ideas = Ledger(PARTITION, PARTITIONS), Ideas(1)
        self._ledger.decide(0, rules or adopted())

    def vote(self, *, ranked: bool, consultation: str = CONSULTATIONS[0]) -> int:
        """Take a vote and publish it, with ranks or without; return its offset."""
        offset = self._ledger.last_offset + 1
        return self._publish(vote(offset, consultation=consultation), ranked=ranked)

    def close(self, *, ranked: bool) -> int:
        """Close the first consultation for good and publish that; return the closing's offset."""
        offset = self._ledger.last_offset + 1
        completed = codec.encode(
            "ClosingCompleted", event_id=bytes(16), closing=bytes(16), offsets=[offset],
            consultation=CONSULTATIONS[0], origin="operator", occurred_at=1)
        self._ideas.apply_catalogue(completed, 0)
        self.reader.flushes.receive_catalogue(0, completed)
        return self._publish(closed(offset, consultation=CONSULTATIONS[0]), ranked=ranked)

    def hide_shares(self) -> None:
        """Describe the first consultation as one that hides shares while it is open."""
        described = booths.consultation(CONSULTATIONS[0], shares_embargoed=True)
        self._ideas.apply_catalogue(described, 0)
        self.reader.flushes.receive_catalogue(0, described)

    def _publish(self, event: bytes, *, ranked: bool) -> int:
        offset = self._ledger.last_offset + 1
        self._ledger.decide(offset, event)
        for key, value in tally_records.flush(self._ledger, everything=False):
            self._ideas.apply_tallies(0, key, value)
        for key, value in self._ideas.take(0, ranked=ranked):
            self.reader.flushes.receive_result(key, value)
        return offset

    def signed(self) -> Any:
        """Return the positions of the newest signed result; None before there is one."""
        body = self.folder.document(CONSULTATIONS[0])
        return body and json.loads(body)["as_of"]


def test_a_result_is_signed_with_ranks_of_its_votes_under_checkpoints(tmp_path: Path) -> None:
    """While votes go on, the ranked publication is taken, and signed once checkpoints reach it."""
    town = Town(tmp_path)
    town.vote(ranked=False)
    town.notary.sign_due()
    ranked = town.vote(ranked=True)
    town.vote(ranked=False)
    town.logs.covered = ranked - 1
    town.notary.sign_due()
    assert town.signed() is None

    town.logs.covered = ranked
    town.notary.sign_due()
    assert (town.signed()["votes"], town.signed()["ranking"]) == ([ranked], [ranked])


def test_ranks_that_do_not_come_are_waited_for_no_longer_than_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ideas that never rank, a result is signed all the same, but no final one."""
    monkeypatch.setattr(results_notary, "RANKS_SECONDS", -1.0)
    town = Town(tmp_path)
    town.logs.covered = town.vote(ranked=False)
    town.notary.sign_due()

    assert town.signed()["votes"] == [town.logs.covered]
    assert town.signed()["ranking"] != town.signed()["votes"]

    town.close(ranked=False)
    town.logs.covered += 2
    town.notary.sign_due()
    town.notary.sign_due()
    assert town.signed()["votes"] == [town.logs.covered - 2], "a final result waits for its ranks"
    last = town.vote(ranked=True)
    town.notary.sign_due()
    assert (town.signed()["votes"], town.signed()["ranking"]) == ([last], [last])


def test_hidden_shares_are_not_signed_and_published(tmp_path: Path) -> None:
    """What is signed lies open to everybody: under an embargo it says how many voted, not how."""
    town = Town(tmp_path)
    town.hide_shares()
    town.logs.covered = town.vote(ranked=True)
    town.notary.sign_due()
    document = json.loads(town.folder.document(CONSULTATIONS[0]) or b"{}")
    entries = [document["totals"], *document["proposals"]]

    assert (document["shares"], document["controversial"]) == (None, [])
    assert [list(entry["counted"]) for entry in entries] == [["votes"]] * len(entries)
    assert len(entries) == 2


def test_a_consultation_in_which_nothing_moves_is_not_signed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While others vote no document of it is made, until something is said or cast there."""
    monkeypatch.setattr(results_notary, "RESULTS_SECONDS", -1.0)
    town = Town(tmp_path, adopted_2())
    for voted in (*CONSULTATIONS[:2], *[CONSULTATIONS[1]] * 3):
        town.logs.covered = town.vote(ranked=True, consultation=voted)
        town.notary.sign_due()
    first = town.signed()

    assert (first["votes"], town.logs.signed) == ([1], 5)
    town.hide_shares()
    town.logs.covered = town.vote(ranked=True, consultation=CONSULTATIONS[1])
    town.notary.sign_due()
    assert town.signed()["votes"] == [town.logs.covered]
