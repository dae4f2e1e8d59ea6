"""What gateways did together: totals over restarts, percentiles, alarms, and what the page says."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas import figures
from schemas.figures import Reading, Sample
from tests.views.operations.control_room import TOPICS, ControlRoom, reading
from views.operations.alarms import CLOCK_APART_SECONDS, alarms
from views.operations.gateways import Gateways


BUSY, CLOSED = "busy", "closed"


def said(
    receipts: int = 0, *, refused: Mapping[str, int] | None = None, waiting: int = 0,
    fast: int = 0, slow: int = 0, connected: bool = True, ahead: float = 0.0,
    measured: int = 1,
) -> Reading:
    """What a gateway says that gave so many receipts and answered so many fast, or slowly."""
    return reading(
        Sample(figures.GATEWAY_CONNECTED, connected),
        Sample(figures.GATEWAY_WAITING, waiting), Sample(figures.GATEWAY_WAITING_MOST, 1_000),
        Sample(figures.GATEWAY_WAIT, waiting / 1_000),
        Sample(figures.GATEWAY_CLOCK_AHEAD, ahead),
        Sample(figures.GATEWAY_CLOCK_MEASURED, measured),
        Sample(figures.GATEWAY_ACKNOWLEDGED, receipts, (TOPICS.votes,)),
        Sample(figures.GATEWAY_ANSWERS, fast + slow, ("cast", "202")),
        *(Sample(figures.GATEWAY_REFUSALS, count, (reason,))
          for reason, count in (refused or {}).items()),
        *(Sample(figures.GATEWAY_SECONDS_CLASSES, count, (end,)) for end, count in (
            ("0.01", fast), ("0.02", fast), ("0.1", fast + slow), ("+Inf", fast + slow))))


@pytest.fixture
def room(tmp_path: Path) -> ControlRoom:
    return ControlRoom(tmp_path)


def look(room: ControlRoom, at: float, **gateways: Reading) -> None:
    """All is well, and gateways say this; those of the room's processes that are named so."""
    for name, found in gateways.items():
        room.watch.see_process(name, found, at, at)
    room.watch.see_gateways(at)
    room.look(at)


def test_totals_grow_over_restarts_and_newcomers() -> None:
    """What counted before the first look is not of this minute; a restart takes nothing away."""
    gateways = Gateways()
    gateways.see({"a": said(1_000)}, 10.0)
    gateways.see({"a": said(1_100), "b": said(7_000)}, 15.0)
    gateways.see({"a": said(60), "b": said(7_040)}, 20.0)

    assert gateways.per_second(figures.GATEWAY_ACKNOWLEDGED, 20.0, TOPICS.votes) == 20.0
    assert gateways.per_second(figures.GATEWAY_ACKNOWLEDGED, 20.0, "another") == 0.0
    assert gateways.last_minute(figures.GATEWAY_ACKNOWLEDGED, 20.0) == {(TOPICS.votes,): 200}
    assert gateways.per_second(figures.GATEWAY_ACKNOWLEDGED, 60.0) is None


def test_percentiles_are_those_of_the_last_minute() -> None:
    """Slow answers of the hour before are not; within a class they are taken as spread evenly."""
    gateways = Gateways()
    gateways.see({"a": said(slow=500)}, 0.0)
    assert gateways.percentile_seconds(0.5, 0.0) is None
    gateways.see({"a": said(slow=502, fast=98)}, 5.0)

    assert gateways.percentile_seconds(0.49, 5.0) == pytest.approx(0.005)
    assert gateways.percentile_seconds(0.99, 5.0) == pytest.approx(0.06)


def test_our_own_refusals_are_an_alarm_and_those_of_voters_are_not(room: ControlRoom) -> None:
    """A hundred votes on what is closed are no fault; a hundred without a broker are."""
    look(room, 100.0, archive=said(refused={CLOSED: 0, BUSY: 0}))
    look(room, 101.0, archive=said(refused={CLOSED: 100, BUSY: 0}, fast=100))
    assert alarms(room.watch) == []
    look(room, 102.0, archive=said(refused={CLOSED: 100, BUSY: 11}, fast=111))
    assert [(alarm.kind, alarm.number) for alarm in alarms(room.watch)] == [("turned_away", 11)]


def test_a_gateway_that_fills_up_is_an_alarm(room: ControlRoom) -> None:
    """Before it refuses anybody."""
    look(room, 100.0, archive=said(waiting=800))
    room.watch.see_process("archive", said(waiting=801), 100.0, 100.0)

    assert [(alarm.kind, alarm.subject) for alarm in alarms(room.watch)] == [
        ("gateway_full", "archive")]


@pytest.mark.parametrize(("ahead", "measured", "kinds"), [
    (CLOCK_APART_SECONDS + 1, 1, ["clock_apart"]), (-90.0, 1, ["clock_apart"]),
    (CLOCK_APART_SECONDS - 1, 1, []), (0.0, 0, ["clock_unmeasured"])])
def test_a_clock_that_is_wrong_or_unknown_is_an_alarm_that_can_wait(
    room: ControlRoom, ahead: float, measured: int, kinds: list[str]
) -> None:
    """Ahead and behind alike: no voter pays for it, but what else runs there may."""
    look(room, 100.0)
    room.watch.see_process("archive", said(ahead=ahead, measured=measured), 100.0, 100.0)
    found = alarms(room.watch)

    assert [(alarm.kind, alarm.subject) for alarm in found] == [
        (kind, "archive") for kind in kinds]
    assert not any(alarm.severe for alarm in found)


@pytest.mark.parametrize(("language", "reason"), [
    ("fr", "Trop de votes à la fois"), ("en", "Too many votes at once")])
def test_the_page_shows_what_gateways_do(
    room: ControlRoom, language: str, reason: str
) -> None:
    """Receipts a second, how long answers took, what waits of how much, and why not."""
    look(room, 100.0, archive=said(refused={BUSY: 0}))
    room.watch.see_process("archive", said(
        4_250, refused={BUSY: 7}, fast=50, slow=50, waiting=12, connected=False), 101.0, 101.0)
    room.watch.see_gateways(101.0)
    room.watch.looked_at = room.watch.clock = 101.0
    text = room.client().get(f"/ops?lang={language}").text.replace("\u00a0", " ")

    for shown in ("250", "99 ms", reason, "503", '<td class="number">7</td>'):
        assert shown in text
