"""An auditor's look at a log that witnesses countersign: what they have not seen is not passed."""

from pathlib import Path

import pytest

from sinks.transparency.auditing import UNSEEN_SECONDS, Audited, audit
from sinks.transparency.folder import LogFolder
from sinks.transparency.quorum import Unwitnessed
from tests.sinks.transparency.cosigning import NOW, Cosigner, least
from tests.sinks.transparency.keeping import SIGNER, entries, opened


ONE, TWO = Cosigner("one"), Cosigner("two")
ASKING = SIGNER.verifier._replace(quorum=least(2, ONE, TWO))
ENTRIES = entries(300)


def grown(folder: Path) -> list[str]:
    """Grow a log to 200 and to 300 entries, and return the checkpoints signed then."""
    keeper = opened(folder)
    for step in (ENTRIES[:200], ENTRIES[200:]):
        keeper.append(step)
        keeper.sign()
    return LogFolder(folder).history()[-2:]


def countersigned(note: str, second_at: int = NOW) -> str:
    return note + ONE.line(note, NOW) + TWO.line(note, second_at)


def looked(folder: Path, head: str, witnessed: str, now: float) -> Audited:
    """Audit the log at a time, by what it shows as newest and as newest that was witnessed."""
    return audit(head, LogFolder(folder).read, ASKING, [], witnessed, now=now)


def test_a_log_that_grows_on_unseen_is_unwitnessed(tmp_path: Path) -> None:
    """Who forks it shows its readers an old checkpoint that was countersigned, and the rest."""
    before, head = grown(tmp_path)
    seen = countersigned(before)

    found = looked(tmp_path, head, seen, NOW + UNSEEN_SECONDS)
    assert found.witnessed is not None
    assert (found.checkpoint.size, found.witnessed.size, found.seen_at) == (300, 200, NOW)
    with pytest.raises(Unwitnessed, match=r"100 entries behind .* of size 200 and of 2026-09-21"):
        looked(tmp_path, head, seen, NOW + UNSEEN_SECONDS + 1)


def test_a_clock_that_is_ahead_makes_nothing_new(tmp_path: Path) -> None:
    """One witness of two dates a checkpoint as it likes: the other's time counts."""
    before, head = grown(tmp_path)

    with pytest.raises(Unwitnessed):
        looked(tmp_path, head, countersigned(before, NOW + 86_400), NOW + UNSEEN_SECONDS + 1)


def test_a_log_that_rests_stays_witnessed(tmp_path: Path) -> None:
    """Nothing came after what they saw, however long ago."""
    before, head = grown(tmp_path)
    found = looked(tmp_path, countersigned(head), countersigned(before), NOW + 1e9)

    assert found.witnessed == found.checkpoint
