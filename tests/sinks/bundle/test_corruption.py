"""Every byte of a bundle counts: whatever is changed is found, with its place."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.ledger import decisions as decision_bytes
from schemas import withheld
from sinks.bundle import layout
from sinks.bundle.layout import AUDITOR, PUBLIC, Record
from sinks.bundle.packing import Bundle
from sinks.bundle.verify import Verified
from sinks.recount.checks import DIFFERENT, EXIT_CODES, INVALID, MISSING, UNREADABLE
from tests.sinks.bundle.making import Made, audited, said, verified
from tests.sinks.bundle.parts import contents, joined, packed, records


KINDS = pytest.mark.parametrize("kind", [AUDITOR, PUBLIC])
ANYWHERE = st.floats(0, 1, exclude_max=True)
BITS = st.integers(0, 7)
many = settings(report_multiple_bugs=False)
VOTES, DECISIONS = layout.votes(0), layout.decisions(0)


def flipped(body: bytes, bit: int) -> bytes:
    """Flip one bit."""
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def place_of(found: Verified) -> str:
    """Return the place of the fault there must be."""
    assert found.fault is not None, "survived"
    assert EXIT_CODES[found.verdict] != 0
    assert found.claims == []
    return found.fault.place


@KINDS
@settings(many, max_examples=150)
@given(where=ANYWHERE, bit=BITS)
def test_no_flipped_bit_survives(exported: Made, kind: str, where: float, bit: int) -> None:
    """One bit anywhere: in a file its hash fails (4), around the files the framing does (5)."""
    bundle = exported.bundle(kind)
    at = int(where * len(bundle))
    found = verified(flipped(bundle, 8 * at + bit))
    place = place_of(found)
    held = [one for one in Bundle(io.BytesIO(bundle)).files.values()
            if one.begin <= at < one.begin + one.size]

    assert found.verdict == (INVALID if held else UNREADABLE)
    if held and held[0].name != layout.POLICY:
        assert place == held[0].name or held[0].name == layout.MANIFEST_NOTE


@KINDS
def test_no_bit_around_a_file_survives(exported: Made, kind: str) -> None:
    """The archive's own framing is held everywhere: headers, list of files, end."""
    bundle = exported.bundle(kind)
    files = Bundle(io.BytesIO(bundle)).files.values()
    inside = set().union(*(range(one.begin, one.begin + one.size) for one in files))
    around = sorted({*range(len(bundle))} - inside)
    for at in around[::23]:
        found = verified(flipped(bundle, 8 * at + at % 8))
        assert place_of(found)
        assert found.verdict == UNREADABLE


@KINDS
@pytest.mark.parametrize("change", ["cut", "longer", "twice", "without", "another"])
def test_files_are_all_there_and_no_more(exported: Made, kind: str, change: str) -> None:
    """A bundle cut short, made longer, or with a file less or more, is refused for what it is."""
    bundle, files = exported.bundle(kind), contents(exported.bundle(kind))
    if change == "without":
        found, expected = verified(packed({
            name: body for name, body in files.items() if name != layout.LEAVES})), MISSING
    elif change == "another":
        found, expected = verified(packed({**files, "another": b""})), INVALID
    else:
        changed = {"cut": bundle[:-9], "longer": bundle + b"\0", "twice": bundle + bundle}[change]
        found, expected = verified(changed), UNREADABLE
    place_of(found)
    assert found.verdict == expected


def moved(held: list[Record], change: str, at: int) -> tuple[list[Record], str]:
    """Drop, repeat or swap records as somebody does who signs the bundle anew."""
    if change == "dropped":
        return held[:at] + held[at + 1:], MISSING
    if change == "dropped and closed up":
        return [*held[:at], *((offset, held[offset + 1][1]) for offset in range(at, len(held) - 1))
                ], MISSING
    if change == "repeated":
        return held[:at + 1] + held[at:], INVALID
    other = (at + 1) % len(held)
    swapped = dict(held)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    return sorted(swapped.items()), INVALID


@settings(many, max_examples=30)
@given(where=ANYWHERE)
@pytest.mark.parametrize("change", [
    "dropped", "dropped and closed up", "repeated", "swapped"])
def test_no_moved_event_survives(exported: Made, change: str, where: float) -> None:
    """Events dropped, repeated or swapped under a new signature: the first offset is named."""
    files = contents(exported.auditor)
    held = records(files, VOTES)
    at = int(where * (len(held) - 1))
    votes, expected = moved(held, change, at)
    if votes == held:
        return
    first = next((place for place, (one, other) in enumerate(zip(held, votes, strict=False))
                  if one != other), len(votes))
    found = verified(packed({**files, VOTES: joined(votes)}, exported.signer))
    place = place_of(found)

    if change == "dropped and closed up":
        # The record that took the place is met first, unless it is the last one that is gone.
        assert found.verdict in (expected, INVALID)
    else:
        assert found.verdict == expected
    if found.verdict == MISSING and change == "dropped and closed up":
        first = len(votes)
    assert place.startswith(f"{VOTES}, offset ")
    assert int(place.rpartition(" ")[2]) in (first, first - 1 if change == "repeated" else first)


@pytest.mark.parametrize("missing", [VOTES, DECISIONS])
def test_of_two_faults_the_lower_one_is_told(exported: Made, missing: str) -> None:
    """A changed record lies below a missing one, though both are read at once: 4, its offset."""
    files = contents(exported.auditor)
    votes = records(files, VOTES)
    offset, value = next(record for record in votes[10:] if record[1])
    votes[offset] = offset, flipped(value or b"", 300)
    changed = {**files, VOTES: joined(votes)}
    held = records(changed, missing)
    found = verified(packed(
        {**changed, missing: joined(held[:300] + held[301:])}, exported.signer))

    assert (found.verdict, place_of(found)) == (INVALID, f"{VOTES}, offset {offset}")


@settings(many, max_examples=60)
@given(where=ANYWHERE, within=ANYWHERE, bit=BITS)
@pytest.mark.parametrize("name", [VOTES, DECISIONS, layout.CATALOGUE])
def test_no_changed_record_survives_a_new_signature(
    exported: Made, name: str, where: float, within: float, bit: int
) -> None:
    """One bit of any event or decision, and the bundle signed anew: its offset is named."""
    files = contents(exported.auditor)
    held = records(files, name)
    filled = [place for place, (_, value) in enumerate(held) if value]
    at = filled[int(where * len(filled))]
    offset, value = held[at]
    assert value
    changed = flipped(value, 8 * int(within * len(value)) + bit)
    held[at] = offset, changed
    found = verified(packed({**files, name: joined(held)}, exported.signer))

    assert place_of(found) == f"{name}, offset {offset}"
    # One that begins like a record whose words are withheld is none, which is told before.
    assert found.verdict == INVALID or name == DECISIONS or changed.startswith(withheld.MARK)


def test_a_decision_that_names_another_event(exported: Made) -> None:
    """What differs is told, whatever it is: two equal texts would explain nothing."""
    files = contents(exported.auditor)
    held = records(files, DECISIONS)
    offset, value = held[-1]
    decision = decision_bytes.decode(value or b"")
    held[-1] = offset, decision_bytes.encode(decision._replace(event_id=bytes(16)))
    found = audited(exported, {**files, DECISIONS: joined(held)})

    assert decision.event_id is not None
    assert decision.event_id.hex() in said(found)
    assert bytes(16).hex() in said(found)


@KINDS
@settings(many, max_examples=25)
@given(where=ANYWHERE, bit=BITS)
@pytest.mark.parametrize("name", [
    f"{layout.votes_log(1)}/entries", f"{layout.CATALOGUE_LOG}/entries",
    f"{layout.votes_log(0)}/checkpoints", layout.RESULTS, layout.RESULTS_NOTE])
def test_no_changed_tree_or_result_survives_a_new_signature(
    exported: Made, kind: str, name: str, where: float, bit: int
) -> None:
    """One bit of entries, checkpoints, result or its note, under a new signature, is found."""
    files = contents(exported.bundle(kind))
    body = flipped(files[name], 8 * int(where * len(files[name])) + bit)
    found = verified(packed({**files, name: body}, exported.signer))

    assert place_of(found)
    assert found.verdict in (INVALID, MISSING, UNREADABLE, DIFFERENT)
