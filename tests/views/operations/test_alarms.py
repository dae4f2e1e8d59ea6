"""What the page alarms about, and that it falls silent again."""

from dataclasses import replace
from pathlib import Path

import pytest

from schemas import figures
from tests.views.operations.control_room import VOTES, ControlRoom
from views.operations import recounts
from views.operations.alarms import LAG_PAGE_SECONDS, UNSIGNED_SECONDS, alarms
from views.operations.recounts import Verdict


@pytest.fixture
def room(tmp_path: Path) -> ControlRoom:
    made = ControlRoom(tmp_path)
    made.look(100.0)
    return made


def kinds(room: ControlRoom) -> list[tuple[str, str]]:
    return [(alarm.kind, alarm.subject) for alarm in alarms(room.watch)]


def test_nothing_is_said_while_all_is_well(room: ControlRoom) -> None:
    """A room where everybody answers and nothing waits is in order."""
    assert kinds(room) == []


def test_a_silent_process_is_named_until_it_answers(room: ControlRoom) -> None:
    """It is shown with since when; what it said last is kept; its return ends the alarm."""
    before = room.watch.processes["ledger"].reading
    room.watch.see_process("ledger", None, 101.0, 101.0)
    room.watch.see_process("ledger", None, 109.0, 109.0)
    room.watch.looked_at = 109.0

    assert [(alarm.kind, alarm.subject, alarm.number) for alarm in alarms(room.watch)] == [
        ("silent", "ledger", 8.0)]
    assert room.watch.processes["ledger"].reading == before
    room.look(110.0)
    assert kinds(room) == []


def test_votes_that_do_not_reach_the_pages_are_an_alarm(room: ControlRoom) -> None:
    """Even while the ledger is gone: the ends of the logs tell."""
    ends = {**room.watch.ends, ("scrutin.votes", 2): VOTES[2] + 40}
    for at in (101.0, 102.0 + LAG_PAGE_SECONDS):
        room.watch.see_ends(ends, at, at)
    room.watch.clock = 102.0 + LAG_PAGE_SECONDS

    assert kinds(room) == [("behind_gateway_page", "")]


def test_a_restart_is_told_apart_from_an_answer(room: ControlRoom) -> None:
    """Another start time of the same process counts as a restart, and is no severe alarm."""
    process = room.watch.processes["ideas"]
    process.reading.values["process_start_time_seconds"] = {(): 1.0}
    room.look(101.0)

    assert kinds(room) == [("restarted", "ideas")]
    assert process.restarts == 1
    assert not alarms(room.watch)[0].severe


@pytest.mark.parametrize(("rows", "missing", "kind"), [(0, 3, "hole"), (1, 0, "twice")])
def test_an_archive_that_is_not_the_log_is_an_alarm(
    room: ControlRoom, rows: int, missing: int, kind: str
) -> None:
    """Records that are gone and rows stored twice are both told."""
    room.archive(101.0, rows=rows, missing=missing)

    assert kinds(room) == [(kind, "archive")]


@pytest.mark.parametrize(("figure", "number", "kind"), [
    (figures.PATROL_BEHIND, 100_001, "patrol_behind"), (figures.PATROL_OWED, 1, "patrol_owes"),
    (figures.PATROL_DIFFERING, 1, "patrol_differs")])
def test_a_patrol_that_cannot_do_its_work_is_an_alarm(
    room: ControlRoom, figure: figures.Figure, number: int, kind: str
) -> None:
    """A backlog, suspensions that nobody can sign, judgements that cannot be repeated."""
    process = room.watch.processes["ideas"]
    for count, expected in ((number - 1, []), (number, [(kind, "ideas")])):
        process.reading = figures.read(
            figures.exposition([figures.Sample(figure, count)]).decode())
        assert kinds(room) == expected


def test_many_dead_letters_are_an_alarm_and_few_are_not(room: ControlRoom) -> None:
    """One in a hundred of a minute's records, and at least ten."""
    grown = (VOTES[0] + 900, *VOTES[1:])
    room.watch.see_page([end - 1 for end in grown], 101.0)
    room.look(101.0, votes=grown, letters=9)
    assert kinds(room) == []
    room.look(102.0, votes=grown, letters=10)
    assert kinds(room) == [("dead_letters", "")]


def test_one_control_that_nobody_signed_is_an_alarm_for_ten_minutes(room: ControlRoom) -> None:
    """Whoever writes it writes to the ballot box; other refusals are no alarm."""
    for at, refused in ((101.0, "refused_immune"), (102.0, "refused_unsigned")):
        applied = room.source.flushes.applied
        assert applied is not None
        room.source.flushes.applied = replace(applied, decided={refused: 1})
        room.look(at)
        assert kinds(room) == ([("unsigned", "")] if refused == "refused_unsigned" else [])
    room.look(101.0 + UNSIGNED_SECONDS)
    assert kinds(room) == [("unsigned", "")]
    room.look(102.5 + UNSIGNED_SECONDS)
    assert kinds(room) == []


def test_a_recount_that_did_not_agree_is_an_alarm(room: ControlRoom, tmp_path: Path) -> None:
    """The verdict is read from where the recount leaves it; a later equal one ends the alarm."""
    for code, expected in ((1, [("recount", "a/b")]), (0, [])):
        recounts.keep(tmp_path, Verdict("a/b", "different", code, 3, 2, [4], 5.0))
        room.watch.recounts = recounts.kept(tmp_path)
        assert kinds(room) == expected
    (tmp_path / "recounts" / "broken.json").write_text("{")
    assert [found.consultation for found in recounts.kept(tmp_path)] == ["a/b"]
