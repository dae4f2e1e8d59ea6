"""Keys are announced by whoever has keys, for everybody who folds the catalogue."""

import pytest

from processors.guard.parameters import CROWD, REPORT, SET_ASIDE, Rules
from processors.results.catalogue import Catalogue
from producers import signing
from producers.adoption import adoption_record
from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue
from producers.signing import Controls
from schemas import codec
from schemas.genesis import Genesis
from schemas.keys_in_force import KeysInForce
from schemas.topics import Topics
from tests.schemas.announcements import (
    AFTER,
    BEFORE,
    CLERK,
    FIRST,
    FORGED,
    FORGER,
    KEYS,
    NEW,
    OLD,
    announcement,
    changes,
    described,
    first_announcement,
    replaced,
)


def told(*records: bytes) -> list[tuple[object, bool, object]]:
    """Fold a catalogue as writers, results and the patrol do: words, retirement, rule of each."""
    known, catalogue, rules = KnownCatalogue(), Catalogue(), Rules()
    for offset, value in enumerate([described("c", "p"), *records]):
        event, fields = codec.decode(value)
        known.apply(event, fields, offset, value)
        catalogue.apply(event, fields, offset, value)
        rules.follow(event, fields, value)
    shown, at_hand = catalogue.consultations["c"], known.find("ProposalAccepted", "c", "p")
    return [
        (at_hand and at_hand["text"], ("c", "p") in known.retired,
         ("c", CROWD) in known.rule_changes),
        (shown.proposals["p"]["text"], "p" in shown.retired, None),
        (None, False, rules.of("c", CROWD).mode)]


UNCHANGED = [(BEFORE, False, False), (BEFORE, False, None), (None, False, REPORT)]
CHANGED = [(AFTER, True, True), (AFTER, True, None), (None, False, SET_ASIDE)]


@pytest.mark.parametrize("how", FORGED)
def test_who_announces_keys_of_their_own_signs_nothing(how: str) -> None:
    """With keys in force nobody takes words, retirements or rules of the guard by other keys."""
    records = first_announcement(), FORGED[how]

    assert told(*records, *changes(FORGER, "c", "p")) == UNCHANGED
    assert told(*records, *changes(OLD, "c", "p")) == CHANGED


def test_keys_are_replaced_by_an_operators_key_of_those_in_force() -> None:
    """From then on the new ones sign; announcements that come again call nothing back."""
    records = [first_announcement(), replaced()]
    for again in ([], records, records[:1]):
        assert told(*records, *again, *changes(NEW, "c", "p", under=records[1])) == CHANGED
        assert told(*records, *again, *changes(OLD, "c", "p", under=records[1])) == UNCHANGED


def test_what_is_signed_for_one_log_counts_in_no_other() -> None:
    """An operator may have the same key in two: each has an announcement of its own."""
    other = _renamed(first_announcement(), b"other".ljust(16))

    assert told(first_announcement(), *changes(OLD, "c", "p", under=other)) == UNCHANGED
    assert told(other, *changes(OLD, "c", "p", under=other)) == CHANGED


def _renamed(value: bytes, event_id: bytes) -> bytes:
    event, fields = codec.decode(value)
    return codec.encode(event, **{**fields, "event_id": event_id})


def test_an_announcement_of_no_keys_leaves_those_that_are_in_force() -> None:
    """Signed or not: a log that has keys never takes unsigned corrections again."""
    emptied = announcement(3, by=OLD.id, private=OLD.private)

    assert told(first_announcement(), emptied, *changes(OLD, "c", "p", under=emptied)) == CHANGED
    assert told(first_announcement(), emptied, *changes(FORGER, "c", "p")) == UNCHANGED
    # Nor does an edition without keys keep the first ones out.
    assert told(announcement(9), first_announcement(), *changes(FORGER, "c", "p")) == UNCHANGED


def known_of(*records: bytes) -> KnownCatalogue:
    """Fold a catalogue as commands do."""
    known = KnownCatalogue()
    for value in records:
        known.apply(*codec.decode(value), value=value)
    return known


@pytest.mark.parametrize("how", FORGED)
def test_with_keys_in_force_forged_announcements_bring_no_rules(how: str) -> None:
    """Gateways go on writing what the announced rules ask for."""
    event, fields = codec.decode(FORGED[how])
    forged = codec.encode(event, **{**fields, "ledger_version": 99})
    known = known_of(first_announcement(), forged)

    assert (known.rules, known.edition, known.control_keys) == (2, 1, FIRST)


def test_commands_sign_announcements_as_everybody_takes_them() -> None:
    """The first needs no signature, each later one a key of those announced; else it says which."""
    known, second = known_of(), (KEYS[NEW.id],)
    for edition, (own, keys) in enumerate(((CLERK, FIRST), (OLD, second), (NEW, second)), 1):
        value = signing.announcement(known, [own], 2, edition, keys, occurred_at=1)
        known.apply(*codec.decode(value), value=value)
        assert (known.edition, known.control_keys) == (edition, keys)
    with pytest.raises(InvalidInput, match=NEW.id.hex()):
        signing.announcement(known, [OLD, FORGER], 2, 4, FIRST, occurred_at=1)


def test_digests_of_first_keys_count_whoever_names_them() -> None:
    """They give nobody a key; one that commands would not see would hide keys from them."""
    event, fields = codec.decode(FORGED["unsigned"])
    told_too = codec.encode(event, **{**fields, "first_keys": [bytes(32)]})

    assert known_of(first_announcement(), told_too).first_keys == {bytes(32)}


def test_a_partition_with_keys_takes_an_adoption_of_rules_that_is_signed() -> None:
    """The command signs it, and the keys stay; without a key at hand it says so."""
    topics, in_force = Topics("any", 2), KeysInForce(1)
    in_force.follow(0, Genesis(keys=FIRST).record(topics, 1, 0))
    with pytest.raises(InvalidInput, match=OLD.id.hex()):
        adoption_record(Controls(2, (), {1: in_force}), topics, 1, 3, 1)
    assert in_force.follow(5, adoption_record(
        Controls(2, (OLD,), {1: in_force}), topics, 1, 3, 1))

    assert (in_force.rules, in_force.edition, in_force.keys) == (3, 2, FIRST)
