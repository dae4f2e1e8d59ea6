"""What can be supposed is read from the options; what cannot is refused with what can."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from processors.ledger.ledger import Ledger
from schemas import codec
from schemas.codec import Undecodable
from schemas.control_signatures import key_id, signed
from schemas.registry import newest
from schemas.words import EVERY_COUNT
from sinks.recount.supposing import (
    REWRITES,
    BadSupposition,
    Supposition,
    rewrite,
    suppose,
    vector,
)
from tests.processors.ledger.logs import (
    CONSULTATIONS,
    PARTITION,
    PARTITIONS,
    Log,
    property_test,
    vote,
)
from tests.processors.ledger.logs_2 import adopted_2, deep_logs, logs_2, of_version_2
from tests.sinks.ballots import random_box


VECTOR_SIZE = 4


def supposed(**options: Any) -> Supposition | None:
    """Read these options, the others left out."""
    return suppose(**{"as_of": None, "without_rules": (), "mapping_as_of": None, "scores": None,
                      "partitions": VECTOR_SIZE, **options})


@pytest.mark.parametrize(("options", "reason"), [
    ({"as_of": "yesterday"}, "neither an instant"),
    ({"as_of": "0:1,"}, "neither an instant"),
    ({"as_of": "0:-2"}, "neither an instant"),
    ({"as_of": "2022-02-30"}, "neither an instant"),
    ({"as_of": "1:5,1:6"}, "names a partition twice"),
    ({"as_of": "0:5,4:6"}, "there is no partition 4"),
    ({"without_rules": ["unproven", "late"]}, "no rule 'late'"),
    ({"without_rules": ["0"]}, "no rule '0'.*rules 1 to 15 of the guard"),
    ({"without_rules": ["16"]}, "no rule '16'"),
    ({"mapping_as_of": -2}, "no catalogue offset"),
    ({"scores": "make-org/1999"}, "only make-org/2022"),
])
def test_what_cannot_be_supposed_is_refused(options: dict[str, Any], reason: str) -> None:
    """Each bad value has a message that says what would be right."""
    with pytest.raises(BadSupposition, match=reason):
        supposed(**options)


def test_without_options_nothing_is_supposed() -> None:
    """A plain recount is no what-if."""
    assert supposed() is None


def test_offsets_move_only_the_partitions_they_name() -> None:
    """The others stay as published; -1 leaves a partition without votes."""
    found = supposed(as_of="2:-1,0:7")
    assert found is not None
    assert vector(found, [1, 2, 3, 4], []) == [7, 2, -1, 4]


def test_an_instant_without_zone_is_the_consultations() -> None:
    """18:00 in Paris in March is 17:00 UTC; an instant that names its offset keeps it."""
    for text in ("2022-03-22T18:00", "2022-03-22T17:00Z"):
        found = supposed(as_of=text)
        assert found is not None
        assert found.placed(ZoneInfo("Europe/Paris")).until == datetime(
            2022, 3, 22, 17, tzinfo=UTC)


def test_rewriting_changes_what_its_rule_reads_and_nothing_else() -> None:
    """Every record decodes to the same fields but trust, or the same but the event's name."""
    box = random_box(7, 400, rises_at=100)
    for value in filter(None, (value for log in box.logs for value in log)):
        trusted, free = (REWRITES[rule](value) for rule in ("unproven", "suspended"))
        try:
            event, fields = codec.decode(value)
        except Undecodable:
            for rewritten in (trusted, free):
                with pytest.raises(Undecodable):
                    codec.decode(rewritten)
            continue
        assert codec.decode(trusted) == (
            event, fields | ({"trust": "trusted"} if "trust" in fields else {}))
        name, freed = codec.decode(free)
        assert name == ("VoterReinstated" if event == "VoterSuspended" else event)
        assert {key: freed[key] for key in fields if key in freed} == {
            key: value for key, value in fields.items() if key in freed}


@property_test
@given(log=st.one_of(logs_2(), deep_logs()), causes=st.sampled_from([(1,), (2,), (7,), (1, 2)]))
def test_without_causes_the_count_is_that_of_the_log_without_them(
    log: Log, causes: tuple[int, ...]
) -> None:
    """In any interleaving: the log that never had their suspensions, nor immunity for them."""
    rewritten = rewrite(Supposition(without_rules=tuple(map(str, causes))))
    assert rewritten is not None
    supposed = counted([value and rewritten(value) for value in log])
    assert supposed == counted([value for value in map(partial(_without, causes), log)
                                if value is not DROPPED])
    assert not any(counts[f"set_aside_cause_{cause}"]
                   for counts in supposed["counts"].values() for cause in causes)


def test_without_a_cause_votes_come_back_or_fall_to_the_next() -> None:
    """Of two causes that stand one is left: the vote counts under it; without both it counts."""
    log: Log = [adopted_2(), vote(1), suspended_for(1), suspended_for(7)]
    for without, expected in (((), 1), (("1",), 7), (("1", "7"), 0), (("suspended",), 0)):
        rewritten = rewrite(Supposition(without_rules=without)) or bytes
        [counts] = counted([rewritten(value or b"") for value in log])["counts"].values()
        assert {cause for cause in range(1, 16) if counts[f"set_aside_cause_{cause}"]} == (
            {expected} - {0})
        assert counts["agree"] == (not expected)


def test_in_a_log_with_keys_every_other_signature_holds_without_a_cause() -> None:
    """What was found by another rule stands, until the operator's own record clears it."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    ledger, other = Ledger(PARTITION, PARTITIONS), {"cause": 2, "finding": bytes(16)}
    ledger.decide(0, adopted_2(generation=1, keys=[
        {"id": key_id(public), "role": "operator", "public": public}]))
    log = [signed(key, PARTITION, ledger.genesis_chain, of_version_2(
        event, number, by=key_id(public), **fields)) for number, (event, fields) in enumerate([
            ("VoterSuspended", {"cause": 1, "finding": bytes(16)}), ("VoterSuspended", other),
            ("VoterReinstated", {"findings": [other], "immune": [1]})])]
    decided = [ledger.decide(offset, REWRITES["1"](value)) for offset, value in enumerate(log, 1)]
    assert [codec.decode(decision)[1]["outcome"] for decision in decided] == [
        "refused", "suspended", "reinstated"]


DROPPED = b"dropped"


def _without(causes: tuple[int, ...], value: bytes | None) -> bytes | None:
    """Read a record as if these causes had never been heard of."""
    try:
        event, fields = codec.decode(value)
    except Undecodable:
        return value
    if event == "VoterSuspended" and fields["cause"] in causes:
        return DROPPED
    if event != "VoterReinstated" or not {*fields["immune"]} & {*causes}:
        return value
    return codec.encode_as(newest(event), **fields | {
        "immune": [cause for cause in fields["immune"] if cause not in causes]})


def counted(log: Log) -> dict[str, Any]:
    """Decide a log, and return every count of votes and voters."""
    ledger = Ledger(PARTITION, PARTITIONS)
    for offset, value in enumerate(log):
        ledger.decide(offset, value)
    return {
        "counts": {name: dict(zip(EVERY_COUNT, counts, strict=True))
                   for name, counts in ledger.every_count().items()},
        "voters": {name: ledger.participation(name)._replace(controls_after_closing=0)
                   for name in CONSULTATIONS},
        "live": ledger.live_votes,
    }


def suspended_for(cause: int) -> bytes:
    """Encode a suspension for a cause."""
    return of_version_2("VoterSuspended", 900 + cause, cause=cause, finding=bytes(16))
