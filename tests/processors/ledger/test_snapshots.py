"""Snapshots: a ledger read back from one is the ledger, and nothing else is read as one."""

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger import snapshots
from processors.ledger.ledger import Ledger
from processors.ledger.rules import VERSIONS
from tests.processors.ledger.logs import (
    Log,
    adopted,
    closed,
    decided,
    folded,
    logs,
    property_test,
    sealed,
    vote,
    voter,
)


KEY = bytes(range(32))


def written(ledger: Ledger, key: bytes = KEY) -> bytes:
    """Return the bytes of a snapshot file."""
    parts = list(snapshots.body(
        snapshots.freeze(ledger), decisions_offset=7, topic="any.decisions"))
    digests = snapshots.Digests(key)
    for part in parts:
        digests.update(part)
    return b"".join([digests.preamble(), *parts])


def read(data: bytes) -> Ledger:
    """Read a snapshot file."""
    frozen, decisions_offset, topic = snapshots.decoded(data, KEY)
    assert (decisions_offset, topic) == (7, "any.decisions")
    return snapshots.thaw(frozen)


@given(log=logs(), cut=st.integers(1, 70))
@property_test
def test_a_ledger_from_a_snapshot_equals_the_full_fold_and_goes_on_as_it(
    log: Log, cut: int
) -> None:
    """At any place of any log: same state, same memory of decisions, same bytes afterwards."""
    ledger, decisions = decided(log)
    restored = read(written(folded(decisions[:cut])))

    assert folded(decisions[:cut]).state() == restored.state()
    assert list(folded(decisions[:cut]).recent) == list(restored.recent)

    for decision in decisions[cut:]:
        assert restored.apply(decision)
    assert ledger.state() == restored.state()


@pytest.mark.parametrize("how", [decided, lambda log: (folded(decided(log)[1]), [])])
def test_a_snapshot_after_a_sealing_names_no_voter_of_it(how: Any) -> None:
    """Neither voters nor votes, nor the decisions that are remembered; another's stay."""
    log: Log = [adopted(), vote(1), vote(2, "disagree", voter=voter(1)),
                vote(3, consultation="other", voter=voter(2))]
    controls: Log = [closed(4, consultation="jeunes"), sealed(5, consultation="jeunes")]
    before, after = (written(how(each)[0]) for each in (log, log + controls))

    assert all(voter(number) in before for number in range(3))
    assert [voter(number) in after for number in range(3)] == [False, False, True]
    headers = [snapshots.header(each[:snapshots.header_end(each)], KEY)
               for each in (before, after)]
    assert [snapshots.names_voters_of(header, {"jeunes"}) for header in headers] == [True, False]
    assert not snapshots.names_voters_of(headers[0], {"elsewhere"})


def test_a_repeat_of_a_forgotten_decision_stops_nobody() -> None:
    """A zombie may write it again after the sealing; another one of its offset is not looked at."""
    log: Log = [adopted(), vote(1), closed(2), sealed(3), vote(4)]
    ledger, decisions = decided(log)
    for decision in decisions:
        assert not ledger.apply(decision)


@given(log=logs(), cut=st.integers(1, 70))
@property_test
def test_a_frozen_ledger_stays_as_it_was_while_the_ledger_decides_on(log: Log, cut: int) -> None:
    """What is written slice by slice later is the state of the moment it was frozen."""
    cut = min(cut, len(log))
    ledger, _ = decided(log[:cut])
    frozen = snapshots.freeze(ledger)
    for offset, value in enumerate(log[cut:], cut):
        ledger.decide(offset, value)

    assert decided(log[:cut])[0].state() == snapshots.thaw(frozen).state()


def test_a_header_s_digest_vouches_for_no_whole_file() -> None:
    """Cut off after its header, with that digest in the place of the other one: not read."""
    data = written(decided([adopted(), vote(1)])[0])
    end = snapshots.header_end(data)
    half = (snapshots.PREAMBLE_BYTES - len(snapshots.MAGIC)) // 2
    digest = data[len(snapshots.MAGIC):len(snapshots.MAGIC) + half]
    cut = snapshots.MAGIC + 2 * digest + data[snapshots.PREAMBLE_BYTES:end]

    assert snapshots.header(cut, KEY) == snapshots.header(data, KEY)
    with pytest.raises(snapshots.Unreadable, match="damaged"):
        snapshots.decoded(cut, KEY)


@pytest.mark.parametrize("place", [0, 30, 60, 90, 95, -1])
def test_a_damaged_file_is_unreadable(place: int) -> None:
    """One byte changed anywhere, or the end missing: not read, and said so."""
    data = bytearray(written(decided([adopted(), vote(1)])[0]))
    with pytest.raises(snapshots.Unreadable):
        snapshots.decoded(bytes(data[:-1]), KEY)
    data[place] ^= 1
    with pytest.raises(snapshots.Unreadable, match=r"damaged|another version"):
        snapshots.decoded(bytes(data), KEY)


def test_only_a_file_under_the_folder_s_own_key_is_read() -> None:
    """One under another key, with a plain hash, or of release 0.1.0 is never interpreted."""
    data = written(decided([adopted(), vote(1)])[0], bytes(32))
    body = data[snapshots.PREAMBLE_BYTES:]
    plain = snapshots.MAGIC + 2 * hashlib.sha256(body).digest() + body
    for other in (data, plain):
        for read_so in (snapshots.decoded, snapshots.header):
            with pytest.raises(snapshots.Unreadable, match="not written under the key"):
                read_so(other, KEY)
    release = b"scrutin ledger snapshot 3\n" + hashlib.sha256(body).digest() + body
    with pytest.raises(snapshots.Unreadable, match="another version"):
        snapshots.decoded(release, KEY)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_under_other_rules_is_unreadable(
    version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever table says otherwise: its bytes would mean something else, so all is folded."""
    data, name = written(decided([adopted(), vote(1)])[0]), f"rules_{version}"
    table = vars(getattr(snapshots, name)) | {"TRANSITIONS": {}, "told": list}
    monkeypatch.setattr(snapshots, name, SimpleNamespace(**table))
    snapshots.meaning.cache_clear()
    with pytest.raises(snapshots.Unreadable, match="under other words, rules"):
        snapshots.decoded(data, KEY)
    snapshots.meaning.cache_clear()


def test_a_file_of_another_python_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoding is Python's own: only the same version reads it back."""
    data = written(decided([adopted(), vote(1)])[0])
    monkeypatch.setattr("sys.implementation.cache_tag", "cpython-399")
    with pytest.raises(snapshots.Unreadable, match="written by"):
        snapshots.decoded(data, KEY)


def test_many_slices_are_one_state() -> None:
    """A state larger than a slice comes back whole."""
    count = snapshots.SLICE_ENTRIES + 10
    ledger, _ = decided([adopted(), *(vote(1, voter=voter(number)) for number in range(count))])

    assert ledger.state() == read(written(ledger)).state()
    assert ledger.live_votes == count
