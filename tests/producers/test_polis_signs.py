"""Which sign an agreement has: known by its witnesses, or asked for."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import InvalidInput
from producers.polis import read_export
from producers.polis_files.signs import fit
from tests.producers.polis_sets import written
from tests.schemas.events import property_test


SIGNS: dict[str, tuple[str | None, bool, bool, int | None]] = {
    "declared, and so counted": ("agree=+1;disagree=-1;pass=0", False, True, 1),
    "declared otherwise, and so counted": ("agree=-1;disagree=+1;pass=0", True, True, -1),
    "declared, not to be counted": ("agree=1;disagree=-1;pass=0", False, False, 1),
    "declared otherwise, not to be counted": ("agree=-1;disagree=1;pass=0", True, False, None),
    "declared, counted otherwise": ("agree=+1;disagree=-1;pass=0", True, True, None),
    "declared otherwise, counted": ("agree=-1;disagree=+1;pass=0", False, True, None),
    "undeclared, counted": (None, False, True, 1),
    "undeclared, counted otherwise": (None, True, True, None),
    "undeclared, not to be counted": (None, False, False, None),
}
"""What is declared, whether signs are turned, whether counts are there; the sign, None: asked."""


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_is_known_by_its_witnesses_or_asked_for(name: str, tmp_path: Path) -> None:
    """What two witnesses say holds; Polis' own sign needs one; what is open is asked for."""
    declared, turned, counted, sign = SIGNS[name]
    folder = written(tmp_path, {
        "summary.csv": lambda text: text.replace(
            "agree=+1;disagree=-1;pass=0;format=polis-export/1", declared or "").replace(
            "" if declared else "vote-convention,\n", ""),
        "votes.csv": lambda text: turn(text) if turned else text,
        "comments.csv": lambda text: text if counted else text.replace(
            "0,0,1,1,1,", "0,0,0,0,1,").replace("1,0,2,0,1,", "1,0,0,0,1,")})
    if sign is None:
        with pytest.raises(InvalidInput, match="--agree-is"):
            read_export(folder)
        sign = -1 if turned else 1
    else:
        assert read_export(folder).agree_is == sign
    asked = read_export(folder, agree_is=sign)

    assert [vote.choice for vote in asked.votes] == [0, 1, 0, 0, 2]
    assert any(f"agree is {sign}, as --agree-is says" in said for said in asked.assumed)


def turn(text: str) -> str:
    """Turn the sign of every vote round."""
    return text.replace(",-1\n", ",x\n").replace(",1\n", ",-1\n").replace(",x\n", ",1\n")


def test_declarations_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """Whether summary.csv or format.json is right, nobody can tell."""
    folder = written(tmp_path, {})
    (folder / "format.json").write_text('{"vote-convention": "agree=-1;disagree=+1;pass=0"}')
    with pytest.raises(InvalidInput, match=r"format.json: declares that agree is -1"):
        read_export(folder)
    (folder / "format.json").write_text("[" * 100_000)
    with pytest.raises(InvalidInput, match="not JSON"):
        read_export(folder)


@given(votes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([1, 0, -1])),
                      max_size=25), every_row=st.booleans())
@property_test
def test_an_export_of_the_usual_sign_is_never_taken_for_the_other(
    votes: list[tuple[int, int, int]], *, every_row: bool
) -> None:
    """Whether comments count every row or each voter once: they never speak for the other sign."""
    rows = Counter((str(comment), value) for comment, _, value in votes)
    current = Counter((str(comment), value) for (comment, _), value in {
        (comment, voter): value for comment, voter, value in votes}.items())
    counted = rows if every_row else current
    found = fit(((name, (counted[name, 1], counted[name, -1])) for name in "012"), rows)

    assert found.agree in (1, None)
    assert found.plus <= found.minus
