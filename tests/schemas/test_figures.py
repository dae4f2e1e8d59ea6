"""The figures: each has one name and can be read back from Prometheus's text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from schemas import figures
from schemas.figures import FIGURES, PROCESS_MEMORY, Figure, Sample, exposition, read


ROOT = Path(__file__).parents[2]
ROOMS = ("producers", "processors", "sinks", "scrutin", "views")
"""Where figures are measured."""
UNITS = ("total", "seconds", "bytes", "offset", "offsets", "messages", "rows", "records", "votes",
         "partitions", "clients", "workers", "snapshots", "findings", "suspensions", "judgements",
         "consultations")
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


PROCESSES = ("ledger", "ideas", "patrol", "archive", "notary", "gateway", "views")


def measured_by(process: str) -> list[Figure]:
    """Name the figures of a process by the table."""
    return [each for each in FIGURES.values()
            if each.process == "every" or process in each.process.split(", ")]


def as_said(process: str) -> str:
    """Write each figure of a process once, as its /metrics does."""
    return exposition(
        Sample(each, 1.0, tuple("0.5" if name == "le" else "x" for name in each.labels))
        for each in measured_by(process)).decode()


@pytest.mark.parametrize("process", PROCESSES)
def test_each_figure_is_said_with_its_meaning_and_its_type(process: str) -> None:
    """Prometheus's own reader finds every family of a process, as the table describes it."""
    found = {family.name: family for family in text_string_to_metric_families(as_said(process))}
    wanted = {each.family: each for each in reversed(measured_by(process))}

    assert {name: (found[name].type, found[name].documentation) for name in wanted} == {
        name: (each.kind, each.meaning) for name, each in wanted.items()}
    assert {sample.name for name in wanted for sample in found[name].samples} == {
        each.name for each in measured_by(process)}


@pytest.mark.parametrize("process", PROCESSES)
def test_help_and_type_bear_the_name_of_the_figure(process: str) -> None:
    """Prometheus keeps the two under the name that their lines say, and for no other one."""
    lines = re.findall(r"^# (HELP|TYPE) (scrutin_\w+)", as_said(process), re.MULTILINE)
    names = {each.name if each.counter else each.family for each in measured_by(process)}

    assert sorted(lines) == sorted((kind, name) for name in names for kind in ("HELP", "TYPE"))


def test_every_figure_is_of_a_known_process() -> None:
    """No figure hides from the two tests above."""
    assert {name for process in PROCESSES for name in measured_by(process)} == {*FIGURES.values()}


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
