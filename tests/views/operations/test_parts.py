"""What the operators' page shows, part by part: every figure that operators asked for."""

from pathlib import Path

import pytest

from schemas import figures, problems
from schemas.figures import Sample
from tests.views.operations.control_room import (
    BEFORE,
    NOW,
    REFUSED,
    TOPICS,
    VOTES,
    ControlRoom,
    reading,
)
from tests.views.pages.html import Element, parse
from views.operations.samples import samples


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Element]:
    """A page on which everything moves and no two figures are the same, by its parts."""
    room = ControlRoom(tmp_path)
    room.busy()
    return parts_of(room)


def parts_of(room: ControlRoom) -> dict[str, Element]:
    """Ask for the page."""
    page = parse(room.client().get("/ops?lang=en").text.encode())
    return {part.attributes["data-part"]: part for part in page.all("section")}


def said(element: Element) -> str:
    """Return the text of an element, its spaces made one."""
    return " ".join(element.text().split())


def rows(part: Element) -> dict[str, list[str]]:
    """Return the cells of a part's tables by the head of their row."""
    return {said(row.all("th")[0]): [said(cell) for cell in row.all("td")]
            for row in part.all("tr") if row.all("td")}


def test_rates_stand_beside_their_totals(parts: dict[str, Element]) -> None:
    """Arrived, received, counted and set aside per second, and what is set aside now and why."""
    text = said(parts["rates"])
    for rate in ("1,234", "1,111", "1,002", "109"):
        assert rate in text.split()
    for total in ("24,680", "22,220", "20,040", "61 unproven, 62 suspended"):
        assert total in text


def test_every_hop_says_how_much_waits_and_how_long(parts: dict[str, Element]) -> None:
    """Gateway, ledger, results, pages and archive: records and seconds."""
    found = rows(parts["hops"])
    assert len(found) == 7
    waiting = 7_000 + 8_000 + 9_000 + 10_000
    assert found["Ballot box → ledger"] == ["3 s", f"{waiting:,}"]
    assert found["Ballot box → pages"] == ["3 s", f"{waiting:,}"]
    assert found["Ballot box → archive"] == ["3 s", f"{waiting:,}"]
    assert found["Ledger → results"][1] == "0"


def test_every_partition_says_how_much_waits_and_how_long(parts: dict[str, Element]) -> None:
    """Ledger, pages and archive behind the ballot box, in records and seconds."""
    for number, end in enumerate(VOTES):
        lag = 7_000 + 1_000 * number
        shown = rows(parts["partitions"])[str(number)]
        assert shown == [f"{end + lag:,}", *[f"{lag:,} 3 s"] * 3]


def test_every_process_says_how_it_is(parts: dict[str, Element]) -> None:
    """State, since when, memory; who is silent is named so."""
    found = rows(parts["processes"])
    assert set(found) == {"kafka", "ledger", "ideas", "archive", "views"}
    assert found["ledger"][0].startswith("at work for 70 s")
    assert found["ledger"][1] == "321 MB"
    assert found["ideas"][0].startswith("does not answer for 5 s")


@pytest.mark.parametrize(("leads", "said"), [(1, "leads"), (0, "stands by")])
def test_of_several_processes_the_page_says_which_leads(
    tmp_path: Path, leads: int, said: str
) -> None:
    """Both are ready: without it nobody could tell who holds the lease."""
    room = ControlRoom(tmp_path)
    room.busy()
    room.watch.see_process("archive", reading(
        Sample(figures.READY, 1), Sample(figures.LEADS, leads)), NOW, NOW)
    found = rows(parts_of(room)["processes"])

    assert found["archive"][0].startswith(said)


def test_every_reason_to_refuse_has_its_count(parts: dict[str, Element]) -> None:
    """Late, each refusal and dead letters: in the last minute, and in all."""
    shown = rows(parts["refusals"])
    assert shown.pop("Dead letters") == ["13", "13"]
    assert sorted(tuple(cells) for cells in shown.values()) == sorted(
        (f"{count:,}", f"{2 * count:,}") for count in (55, *REFUSED.values()))


def test_every_reason_to_refuse_has_its_sample(tmp_path: Path) -> None:
    """Those of controls too, and those that nothing was refused for: an alert needs their zero."""
    room = ControlRoom(tmp_path)
    room.busy()
    said = {sample.labels: sample.value for sample in samples(room.watch)
            if sample.figure is figures.REFUSED}

    assert said == {(name.removeprefix("refused_"),): 2 * count for name, count in REFUSED.items()}
    assert {("unsigned",), ("stale",), ("immune",), ("too_many",)} < said.keys()


def test_the_archive_says_where_it_is_and_whether_it_was_recounted(
    parts: dict[str, Element]
) -> None:
    """End of the log, place and gauge by topic, and every last verdict."""
    found = rows(parts["archive"])["votes"]
    assert found[:2] == [f"{sum(VOTES) + 34_000:,}", f"{sum(VOTES):,}"]
    assert found[2].startswith("equal")
    equal, different = (said(item) for item in parts["archive"].all("li"))
    assert "town" in equal
    assert "415 of 415 comparisons equal" in equal
    assert "not equal: published numbers differ" in different
    assert "414 of 417 comparisons equal" in different


def test_gateways_say_what_they_answer_and_whom_they_turn_away(tmp_path: Path) -> None:
    """Receipts a second, how fast, refusals by reason, answers by operation, what waits."""
    room = ControlRoom(tmp_path)
    room.look(BEFORE)
    said_by_gateway = [
        (figures.GATEWAY_ACKNOWLEDGED, 4_560, (TOPICS.votes,)),
        (figures.GATEWAY_ANSWERS, 4_560, ("cast", "202")),
        (figures.GATEWAY_ANSWERS, 78, ("cast", "429")),
        (figures.GATEWAY_REFUSALS, 78, (problems.TOO_MANY_REQUESTS.name,)),
        (figures.GATEWAY_SECONDS_CLASSES, 4_638, ("0.02",)),
        (figures.GATEWAY_SECONDS_CLASSES, 4_638, ("inf",)),
    ]
    for at, times in ((BEFORE, 0), (NOW, 1)):
        room.watch.see_process("ledger", reading(
            Sample(figures.READY, 1), Sample(figures.GATEWAY_CONNECTED, 1),
            Sample(figures.GATEWAY_WAITING, 91), Sample(figures.GATEWAY_WAITING_MOST, 20_000),
            Sample(figures.GATEWAY_WAIT, 0.7),
            *(Sample(figure, count * times, labels) for figure, count, labels in said_by_gateway),
        ), at, at)
        room.watch.see_gateways(at)
    room.watch.clock = NOW
    page = parse(room.client().get("/ops?lang=en").text.encode())
    (part,) = (each for each in page.all("section")
               if each.attributes["data-part"] == "gateways")
    text, shown = said(part), rows(part)

    assert "Receipts a second 456 " in text
    assert "99 of 100 answers within 20 ms" in text
    assert "91 of 20,000 that may wait for the broker, the oldest for 0.7 s" in text
    assert [problems.TOO_MANY_REQUESTS.title, "Votes, new or changed"] == list(shown)
    assert shown[problems.TOO_MANY_REQUESTS.title] == ["78"]
    assert "4,560" in text
