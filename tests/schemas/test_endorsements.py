"""What is not endorsed counts for no reader, and every reader leaves out the same."""

from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from processors.guard.inputs import Batch, Cut, beginning
from processors.guard.state import PatrolState
from processors.ledger.undecodable_share import accepted_until
from processors.results.catalogue import Catalogue
from processors.results.ideas import Ideas
from producers.due_closings import dates
from producers.endorsing import endorsement, endorser, naming
from producers.errors import InvalidInput
from producers.gateway.follower import Follower
from producers.known_catalogue import KnownCatalogue
from producers.signing import CatalogueKey, OwnKey
from schemas import codec
from schemas.control_roles import CLERK, OPERATOR, public_key
from schemas.endorsements import ENDORSED, WITHIN_OFFSETS, CountedCatalogue, Endorsements
from schemas.genesis import announced
from schemas.registry import current
from schemas.topics import Topics
from scrutin.doctor.answers import BAD, GOOD
from scrutin.doctor.endorsing import judged
from sinks.columns.catalogue import catalogue_table
from sinks.columns.records import Records
from views.flushes import Flushes


def key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def own(private: Ed25519PrivateKey) -> OwnKey:
    public = public_key(OPERATOR, private.public_key().public_bytes_raw())
    return OwnKey(public.id, public.public, private)


CONTROL, MODERATOR, STRANGER, CLOSER = own(key(1)), own(key(2)), own(key(3)), own(key(4))
FIELDS: dict[str, dict[str, Any]] = {
    "ConsultationDescribed": {
        "question": {"fr": "Comment ?"}, "opens_at": 0, "closes_at": None, "time_zone": "UTC",
        "votes_target": None, "hashtag": None, "contact": None, "languages": ["fr"], "stages": [],
        "organisers": [], "facts": [], "shares_embargoed": False},
    "ThemeDescribed": {"theme": "t1", "title": {"fr": "Eau"}},
    "IdeaDescribed": {"idea": "i1", "theme": None, "title": {"fr": "Digue"}},
    "ProposalAccepted": {"proposal": "p1", "text": {"fr": "Il faut"}, "author": None},
    "ProposalGrouped": {"proposal": "p1", "idea": "i1"},
    "PartnerDescribed": {"partner": 1, "name": "La Voix", "sites": [], "key_digest": b"",
                         "ballots_per_minute": 0},
    "CodesIssued": {"codes": 3, "root": bytes(32)},
    "ConsultationClosed": {"closes_at": 5},
    "ClosingCompleted": {"closing": bytes(16), "offsets": [1], "participants": 0},
    "ConsultationSealed": {},
    "UndecodableAccepted": {"partition": 0, "until_offset": 9, "reason": "mended"},
}
"""An event of each kind that is endorsed."""


def record(event: str, number: int = 7) -> bytes:
    """Encode an event, whichever fields it has besides."""
    common = {"event_id": bytes([number]) * 16, "consultation": "town", "salt": bytes(16),
              "origin": "operator", "occurred_at": 0, "by": bytes(8), "signature": bytes(64)}
    names = {field["name"] for field in current(event).fields}
    return codec.encode(event, **{
        name: datum for name, datum in {**common, **FIELDS[event]}.items() if name in names})


def begun() -> list[bytes]:
    """Begin a log with keys of controls, then name the moderator's for the catalogue."""
    announcement = announced(
        2, 1, (public_key(OPERATOR, CONTROL.public), public_key(CLERK, CLOSER.public)),
        occurred_at=0)
    known = KnownCatalogue()
    known.apply(*codec.decode(announcement), 0, announcement)
    return [announcement, naming(
        known, [CONTROL], [MODERATOR.public], occurred_at=0)]


BEGUN = begun()
IN_FORCE = codec.decode(BEGUN[-1])[1]["event_id"]


def endorsed(value: bytes, at: int, by: OwnKey = MODERATOR, in_force: bytes = IN_FORCE) -> bytes:
    return endorsement(CatalogueKey(by.id, by.private, in_force), at, value, occurred_at=0)


def broken(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


# The matrix: what comes after the record, at offset len(BEGUN), and whether it counts then

PLACE = len(BEGUN)
GAP: list[bytes] = [b"no event"] * WITHIN_OFFSETS
CLOSINGS = frozenset(("ConsultationClosed", "ClosingCompleted", "ConsultationSealed"))
WAYS: dict[str, tuple[Callable[[bytes], list[bytes]], bool | frozenset[str]]] = {
    "not endorsed": (lambda value: [], False),
    "endorsed": (lambda value: [endorsed(value, PLACE)], True),
    "by an operator's key of controls": (lambda value: [endorsed(value, PLACE, CONTROL)], True),
    "by a clerk's key of controls": (lambda value: [endorsed(value, PLACE, CLOSER)], CLOSINGS),
    "endorsed at the last moment": (
        lambda value: [*GAP[1:], endorsed(value, PLACE)], True),
    "endorsed too late": (lambda value: [*GAP, endorsed(value, PLACE)], False),
    "by a key that is not named": (lambda value: [endorsed(value, PLACE, STRANGER)], False),
    "by a stranger under the moderator's name": (
        lambda value: [endorsed(value, PLACE, OwnKey(
            MODERATOR.id, MODERATOR.public, STRANGER.private))], False),
    "of another log": (lambda value: [endorsed(value, PLACE, in_force=bytes(16))], False),
    "under another digest": (lambda value: [endorsed(value + b"x", PLACE)], False),
    "of another offset": (lambda value: [endorsed(value, PLACE + 1)], False),
    "with a broken signature": (lambda value: [broken(endorsed(value, PLACE))], False),
    "endorsed twice": (
        lambda value: [endorsed(value, PLACE), endorsed(value, PLACE)], True),
    "wrongly first, then rightly": (
        lambda value: [endorsed(value, PLACE, STRANGER), endorsed(value, PLACE)], True),
    "a copy of it, behind a signature of the first": (
        lambda value: [endorsed(value, PLACE)], True),
}


def folded(log: list[bytes]) -> Catalogue:
    found = Catalogue()
    for offset, value in enumerate(log):
        try:
            event, fields = codec.decode(value)
        except codec.Undecodable:
            continue
        found.apply(event, fields, offset, value)
    return found


def by_results(log: list[bytes]) -> object:
    """As results, pages, recounts and bundles have it."""
    known = folded(log).consultations.get("town")
    return known and (known.described, known.themes, known.ideas, known.proposals, known.mapping,
                      known.closing, known.completed, known.codes)


def by_ideas(log: list[bytes]) -> object:
    """As the ideas worker has it."""
    found = Ideas(1)
    for offset, value in enumerate(log):
        found.apply_catalogue(value, offset)
    known = found.catalogue.consultations.get("town")
    return known and (known.described, known.proposals, known.mapping, known.closing,
                      found.catalogue.offset)


def by_recount(log: list[bytes]) -> object:
    """As recounts have it, from the archive: which stores every record, whoever endorsed it."""
    table = catalogue_table(Records("town", 0, 0, [0] * len(log), [*log]))
    assert table["value"].to_pylist() == log
    return by_results(table["value"].to_pylist())


def by_writers(log: list[bytes]) -> object:
    """As gateways and commands have it."""
    known = KnownCatalogue()
    for offset, value in enumerate(log):
        try:
            event, fields = codec.decode(value)
        except codec.Undecodable:
            continue
        known.apply(event, fields, offset, value)
    return known.latest, known.wordings, bytes([7]) * 16 in known.event_ids


def by_pages(log: list[bytes]) -> object:
    """As pages have it, with the times that they were told something of the consultation."""
    found = Flushes()
    for offset, value in enumerate(log):
        found.receive_catalogue(offset, value)
    known = found.catalogue.consultations.get("town")
    return found.consultations(), found.described("town"), known and {
        **vars(known), "older": None}


def by_gateway(log: list[bytes]) -> object:
    """As the door and the gateway's pages have it; and the notary's clerk, who follows alike."""
    found = Follower("nowhere", Topics("town", 1))
    for offset, value in enumerate(log):
        found._fold(SimpleNamespace(offset=offset, value=value))
    known = found.known
    return (found.proposals("town"), found.accepted("town"), known.latest, dates(known),
            known.wording("town", "p1"))


def by_patrol(log: list[bytes]) -> object:
    """As the patrol, and who judges again, has it."""
    state, nothing = PatrolState(1), beginning(1)
    for offset, value in enumerate(log):
        batch = Batch(nothing, until := Cut((-1,), -1, offset))
        batch.add_catalogue([(offset, value)])
        state.know(batch)
        nothing = until
    return {name: (each.proposals, each.ideas) for name, each in state.consultations.items()}


def by_ledger(log: list[bytes]) -> object:
    """As ledgers have it: sealings, and what may stay undecodable."""
    counted = CountedCatalogue()
    return ([found.offset for offset, value in enumerate(log)
             if (found := counted.take(offset, value)) and found.event in ENDORSED],
            accepted_until(log, 0))


READERS = {"results": by_results, "recount": by_recount, "ideas": by_ideas, "writers": by_writers,
           "pages": by_pages, "gateway": by_gateway, "patrol": by_patrol, "ledger": by_ledger}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("event", sorted(ENDORSED))
def test_what_is_not_endorsed_counts_for_no_reader(event: str, way: str, reader: str) -> None:
    """And what is, counts as it did before there were keys: event by way by reader."""
    value = record(event)
    behind, counting = WAYS[way]
    counts = counting if isinstance(counting, bool) else event in counting
    plain = [BEGUN[0], b"no event", value, *([b"no event"] * len(behind(value)))]
    without = [BEGUN[0], b"no event", b"no event", *([b"no event"] * len(behind(value)))]

    expected = READERS[reader](plain if counts else without)
    assert READERS[reader]([*BEGUN, value, *behind(value)]) == expected


@pytest.mark.parametrize("event", sorted(ENDORSED))
def test_before_the_first_key_records_keep_their_meaning(event: str) -> None:
    """Also those that were written before it, and whose endorsement would be too late."""
    value = record(event)
    log = [BEGUN[0], value, BEGUN[1], *GAP, b"no event"]

    assert by_ledger(log)[0] == [1]  # type: ignore[index]  # a pair
    assert by_writers(log) == by_writers([BEGUN[0], value])


@pytest.mark.parametrize("signer", [STRANGER, MODERATOR])
def test_keys_are_named_by_operators_of_controls_alone(signer: OwnKey) -> None:
    """Else whoever writes to the catalogue would name keys of their own, and endorse by them."""
    named = codec.decode(BEGUN[1])[1]
    forged = codec.encode("KeysNamed", **{**named, "generation": 2, "by": signer.id})
    value = record("ProposalAccepted")

    assert by_results([*BEGUN, forged, value]) is None
    assert by_results([BEGUN[0], forged, value]), "no key was named"
    assert by_results([*BEGUN, BEGUN[1], value, endorsed(value, 3)]), "a copy changes nothing"


def test_names_never_go_back_and_a_retired_key_endorses_no_more() -> None:
    """The next naming takes the place of the one before; operators endorse for ever."""
    known = KnownCatalogue()
    for offset, value in enumerate(BEGUN):
        known.apply(*codec.decode(value), offset, value)
    second = naming(known, [CONTROL], [], occurred_at=0)
    in_force = codec.decode(second)[1]["event_id"]
    value = record("ProposalAccepted")
    log = [*BEGUN, second, value]

    assert by_results([*log, endorsed(value, 3, MODERATOR, in_force)]) is None
    assert by_results([*log, endorsed(value, 3, CONTROL)]) is None, "for the naming before"
    assert by_results([*log, endorsed(value, 3, CONTROL, in_force)])
    assert by_results([*log, BEGUN[1], endorsed(value, 3, CONTROL, in_force)])


@given(st.lists(st.tuples(
    st.sampled_from(sorted(ENDORSED)), st.integers(0, 3), st.sampled_from([MODERATOR, STRANGER])),
    max_size=8), st.data())
def test_a_prefix_is_folded_alike_whatever_comes_later(
    written: list[tuple[str, int, OwnKey]], data: st.DataObject
) -> None:
    """What counted at an offset stays counted there: a recount of that prefix finds the same."""
    log = list(BEGUN)
    for number, (event, behind, by) in enumerate(written):
        value = record(event, number + 1)
        log += [value, *([b"no event"] * behind), endorsed(value, len(log), by)]
    end = data.draw(st.integers(0, len(log)))
    whole, part = CountedCatalogue(), CountedCatalogue()
    first = [part.take(offset, value) for offset, value in enumerate(log[:end])]

    assert [whole.take(offset, value) for offset, value in enumerate(log)][:end] == first


def test_a_reader_holds_no_more_than_may_still_be_endorsed() -> None:
    """However many records wait: those beyond the bound are forgotten."""
    counted = CountedCatalogue()
    for offset, value in enumerate([*BEGUN, *([record("ProposalAccepted")] * 3 * WITHIN_OFFSETS)]):
        assert counted.take(offset, value) is None or offset < len(BEGUN)

    assert len(counted._endorsements._waiting) == WITHIN_OFFSETS + 1


def test_what_nobody_endorsed_is_counted_until_somebody_does() -> None:
    """Each record that waits, or waited too long, and each naming that nobody may have made."""
    value, stranger = record("ProposalAccepted"), codec.encode("KeysNamed", **{
        **codec.decode(BEGUN[1])[1], "generation": 9})
    found, numbers = Ideas(1), []
    for offset, said in enumerate([
            *BEGUN, value, endorsed(value, 2), stranger, value, endorsed(value, 5, STRANGER),
            *GAP, endorsed(value, 5)]):
        found.apply_catalogue(said, offset)
        numbers.append(found.unendorsed)

    assert numbers == [0, 0, 1, 0, 1, 2, *([2] * (WITHIN_OFFSETS + 2))]


def test_a_closing_among_participants_that_the_catalogue_does_not_know_is_counted() -> None:
    """Gateways may write there: until the catalogue announces it, somebody else may have."""
    closing, numbers = record("ConsultationClosed"), []
    found = Ideas(1)
    for offset, said in enumerate([*BEGUN, closing]):
        found.apply_catalogue(said, offset)
    numbers.append(found.unendorsed)
    found.apply_participants(closing, 0)
    numbers.append(found.unendorsed)
    found.apply_catalogue(endorsed(closing, len(BEGUN)), len(BEGUN) + 1)

    assert [*numbers, found.unendorsed] == [1, 2, 0]


def endorsing(*publics: bytes) -> Endorsements:
    """Name keys twice: the moderator's, then these."""
    known = KnownCatalogue()
    for offset, value in enumerate(BEGUN):
        known.apply(*codec.decode(value), offset, value)
    second = naming(known, [CONTROL], publics, occurred_at=0)
    known.apply(*codec.decode(second), len(BEGUN), second)
    return known.endorsements


@pytest.mark.parametrize(("own_keys", "closes", "state", "part"), [
    ([], False, GOOD, (
        "2 keys endorse descriptions (naming 2), 1 more closings; of those here: none, closings "
        "only none")),
    ([], True, BAD, "none, closings only none"),
    ([CONTROL], True, GOOD, f"here: {CONTROL.id.hex()}, closings only none"),
    ([CLOSER], True, GOOD, f"none, closings only {CLOSER.id.hex()}"),
    ([STRANGER], False, GOOD, "here: none, closings only none"),
    ([MODERATOR], False, BAD, f"no more {MODERATOR.id.hex()}"),
    ([MODERATOR, CONTROL], False, GOOD, f"no more {MODERATOR.id.hex()}")])
def test_the_doctor_says_who_endorses_and_whether_it_can_be_done_here(
    own_keys: list[OwnKey], closes: bool, state: str, part: str,  # noqa: FBT001 -- a case's
) -> None:
    """A key that was named once and is no more is told; a notary that is to close needs one."""
    answer = judged(endorsing(own(key(5)).public), own_keys, closes=closes)

    assert (answer.state, part in answer.said) == (state, True), answer
    assert judged(KnownCatalogue().endorsements, own_keys, closes=closes).state == GOOD
    assert not endorsing(MODERATOR.public).retired


def test_a_writer_without_a_key_is_told() -> None:
    """Before it writes what would count for nobody."""
    known = KnownCatalogue()
    assert not endorser(known, []).keys
    for offset, value in enumerate(BEGUN):
        known.apply(*codec.decode(value), offset, value)
    with pytest.raises(InvalidInput, match=MODERATOR.id.hex()):
        endorser(known, [STRANGER])
    found = endorser(known, [STRANGER, CONTROL, MODERATOR]).keys["ProposalAccepted"]
    assert (found.id, found.in_force) == (MODERATOR.id, IN_FORCE), "the least powerful that may"
    assert codec.decode(endorsement(found, 4, b"x", occurred_at=0))[1]["digest"] == sha256(
        b"x").digest()


def test_a_clerk_endorses_closings_and_nothing_else() -> None:
    """With the key that signs them in the ballot box: it needs no naming."""
    known = KnownCatalogue()
    for offset, value in enumerate(BEGUN):
        known.apply(*codec.decode(value), offset, value)
    found = endorser(known, [CONTROL, CLOSER], CLOSINGS)
    assert {key.id for key in found.keys.values()} == {CLOSER.id}
    with pytest.raises(InvalidInput, match="takes ProposalAccepted only"):
        endorser(known, [CLOSER], ["ProposalAccepted"])


def test_ideas_publish_what_an_endorsement_has_made_count() -> None:
    """And not before: the record itself moves no figure."""
    found, published = Ideas(1), []
    log = list(BEGUN)
    for event in ("ProposalAccepted", "IdeaDescribed"):
        log += [record(event), endorsed(record(event), len(log))]
    for offset, value in enumerate(log):
        found.apply_catalogue(value, offset)
        published.append({key for key, _ in found.take(0, ranked=True)})

    assert [b"town\0idea\0i1" in keys for keys in published] == [False] * 5 + [True]
