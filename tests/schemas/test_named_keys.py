"""The list of named keys: it only grows, one list is written one way, and says who signed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.named_keys import HEAD, KeyList, key_id, parse_keys
from tests.schemas.events import property_test


PUBLICS = [bytes([number] * 32) for number in range(4)]
events = st.lists(st.fixed_dictionaries({
    "kind": st.sampled_from(["receipt", "log"]),
    "name": st.sampled_from(["", "example.org/log/a/0", "a b\n— c", "-", "é%"]),
    "public": st.sampled_from(PUBLICS), "state": st.sampled_from(["in_use", "retired"])}))


def folded(named: list[dict[str, object]]) -> KeyList:
    """Fold events that lie at every other offset."""
    found = KeyList()
    for place, fields in enumerate(named):
        found.apply(fields, 2 * place + 1)
    return found


@given(named=events, cut=st.integers(0, 40))
@property_test
def test_the_list_of_a_prefix_is_the_beginning_of_every_later_list(
    named: list[dict[str, object]], cut: int
) -> None:
    """Whoever has a later list can tell what an earlier checkpoint committed to."""
    whole, part = folded(named), folded(named[:cut])

    assert whole.text(2 * cut) == part.text()
    assert whole.text().startswith(part.text())
    assert whole.digest(2 * cut) == hashlib.sha256(part.text().encode()).digest()


@given(named=events)
@property_test
def test_a_list_is_read_as_it_was_written(named: list[dict[str, object]]) -> None:
    """Same keys, same text; said again, nothing is added."""
    whole = folded(named)
    again = parse_keys(whole.text())
    for fields in named:
        again.apply(fields, 10**6)

    for kind in ("receipt", "log"):
        assert parse_keys(whole.text()).of(kind) == whole.of(kind)
        assert {key[:3] for key in again.of(kind)} == {key[:3] for key in whole.of(kind)}


def test_a_retired_key_is_not_called_back_and_never_forgotten() -> None:
    """It stays in the list, and what it signed can be shown for ever."""
    found = KeyList()
    for state in ("in_use", "retired", "in_use"):
        found.apply({"kind": "receipt", "name": "", "public": PUBLICS[1], "state": state}, 7)

    [key] = found.of("receipt")
    assert (key.public, key.state) == (PUBLICS[1], "retired")
    assert found.text().count("\n") == 3
    assert key_id(PUBLICS[1]) in found.text()


@given(named=events, data=st.data())
@property_test
def test_whatever_is_no_list_is_refused_and_nothing_else_happens(
    named: list[dict[str, object]], data: st.DataObject
) -> None:
    """A list with pieces changed, doubled or of any text: read as it stands, or ValueError."""
    text = folded(named).text()
    at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    piece = data.draw(st.one_of(st.text(max_size=20), st.just(text[at:end] * 2), st.sampled_from(
        ["\\ud800", "9" * 30, '" "', "\n", "\r", "\u2028", "=" * 44])))
    changed = text[:at] + piece + text[end:]
    try:
        found = parse_keys(changed)
    except ValueError:
        return
    assert found.text() == changed


def test_a_line_out_of_its_order_is_refused() -> None:
    """Behind later ones, or of the same record: it would pass for one that a checkpoint covers."""
    lines = folded([{"kind": "receipt", "name": "", "public": public, "state": "in_use"}
                    for public in PUBLICS]).text().splitlines(keepends=True)
    for wrong in ([*lines[:-1], lines[-1].replace("7 ", "0 ", 1)],
                  [*lines[:-1], lines[-1].replace("7 ", "5 ", 1)], [lines[0], *lines[:0:-1]]):
        with pytest.raises(ValueError, match="do not stand in their order"):
            parse_keys("".join(wrong))
    assert parse_keys("".join(lines)).text() == "".join(lines)


@pytest.mark.parametrize("text", [
    "", "scrutin keys v2\n", HEAD.rstrip(), HEAD + "1 receipt in_use\n",
    HEAD + f"1 receipt in_use {'0' * 16} {'A' * 43}= \"\"\n", HEAD + "x" * (4 << 20)])
def test_what_is_no_list_is_refused(text: str) -> None:
    """Another version, a line cut short, an id that is not the key's, a list that is too long."""
    with pytest.raises(ValueError, match="list of keys"):
        parse_keys(text)
