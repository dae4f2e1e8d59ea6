"""The figures: each has one name and can be read back from Prometheus's text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import figures
from schemas.figures import FIGURES, PROCESS_MEMORY, Figure, Sample, exposition, read


ROOT = Path(__file__).parents[2]
ROOMS = ("producers", "processors", "sinks", "scrutin", "views")
"""Where figures are measured."""
UNITS = ("total", "seconds", "bytes", "offset", "offsets", "messages", "rows", "records", "votes",
         "partitions", "clients", "findings", "suspensions", "judgements")
"""Last words of names that tell the unit; the others are states."""


@pytest.mark.parametrize("figure", FIGURES.values(), ids=lambda figure: figure.name)
def test_names_follow_the_ways_of_prometheus(figure: Figure) -> None:
    """One prefix, a unit or a state at the end, `_total` on what grows, a moment as a timestamp.

    A bound bears the name of what it bounds, the parts of a histogram that of the histogram.
    """
    assert re.fullmatch(r"scrutin(_[a-z]+)+", figure.name)
    assert figure.meaning.endswith(".")
    assert (figure.unit == "seconds since 1970") == figure.name.endswith("_timestamp_seconds")
    name = re.sub(r"_(max|bucket|count|sum)$", "", figure.name)
    if name.rpartition("_")[2] not in UNITS:
        assert figure.unit in ("0 or 1", "1", "votes")


def test_no_figure_is_documented_that_nobody_gives() -> None:
    """Some module beside the list of figures has the name of each."""
    programs = "\n".join(path.read_text("utf-8") for room in ROOMS
                         for path in (ROOT / room).rglob("*.py"))
    constants = [name for name, value in vars(figures).items() if isinstance(value, Figure)]

    assert len(constants) == len(FIGURES)
    assert [name for name in constants if not re.search(rf"\b{name}\b", programs)] == []


@given(value=st.floats(allow_nan=False, allow_infinity=False),
       labels=st.tuples(st.text(max_size=8), st.text(max_size=8)))
def test_what_is_written_is_read_back(value: float, labels: tuple[str, str]) -> None:
    """Any value under any labels survives the text, beside the figures of the process itself."""
    figure = FIGURES["scrutin_archive_next_offset"]
    found = read(exposition([Sample(figure, value, labels)]).decode())

    assert found.labelled(figure) == {labels: value}
    assert (found.one(PROCESS_MEMORY) or 0) > 0


def test_what_is_no_such_text_is_refused() -> None:
    """Whatever else answers at an address is told apart, and unknown figures are left out."""
    with pytest.raises(ValueError, match="html"):
        read("<html>\n")
    assert read("other_figure 3\n").values == {}
