"""Votes one by one give the published counts, and nothing that leads to a voter."""

import copy
import dataclasses

import pytest

from processors.ledger.ledger import Ledger
from scrutin.audit.ballots import Folder
from tests.sinks.ballots import CONSULTATION, Box, decide, random_box
from tests.sinks.published import catalogue_log, published
from tests.views.test_downloads import rows as read_rows
from views import downloads, open_data, polis_export
from views.open_data import Ballot


ZONE = "Europe/Paris"
BOX = random_box(31, 400)


def folded(box: Box) -> list[Ballot]:
    """Return the live votes of a random ballot box: withdrawals, suspensions, closing and all."""
    found: list[Ballot] = []
    for partition, log in enumerate(box.logs):
        folder = Folder(Ledger(partition, box.partitions), CONSULTATION)
        for offset, value in enumerate(log):
            folder.fold(offset, value)
        found += folder.cells.values()
    return found


def test_votes_counted_one_by_one_are_the_published_counts() -> None:
    """By proposal, choice and reason; one vote more or less and nothing is exported."""
    document, ballots = published(decide(BOX)[0], catalogue_log(BOX)), folded(BOX)
    open_data.require_same_figures(document, ballots)
    assert len(ballots) > 10
    assert {ballot.situation & 96 for ballot in ballots} > {0}

    for wrong in (ballots[1:], [*ballots, ballots[0]]):
        with pytest.raises(open_data.FiguresDiffer, match="are published, the votes give"):
            open_data.require_same_figures(document, wrong)
    forged = copy.deepcopy(document)
    forged["proposals"][0]["counted"]["agree"] += 1
    with pytest.raises(open_data.FiguresDiffer):
        open_data.require_same_figures(forged, ballots)


def test_two_votes_of_a_voter_have_nothing_in_common() -> None:
    """Each vote has a name of its own, under each key another; no pseudonym, no time of day."""
    ballots = folded(BOX)
    rows, others = (open_data.rows(ballots, key, ZONE) for key in (b"one key", b"another"))
    names = {row.name for row in rows}
    assert len(names) == len(ballots)
    assert names.isdisjoint(row.name for row in others)
    assert [(row.proposal, row.name) for row in rows] == sorted(
        (row.proposal, row.name) for row in rows)

    written = downloads.table(downloads.VOTES, rows).decode()
    assert [ballot for ballot in ballots if ballot.voter.hex() in written] == []
    assert {len(row["day"]) for row in read_rows(written.encode())} == {len("2022-03-22")}


def test_an_export_without_votes_says_so_and_one_with_them_explains_each_column() -> None:
    """What is withheld is listed, and votes.csv is there only where it was asked for."""
    document = published(decide(BOX)[0], catalogue_log(BOX))
    without = downloads.files(document, 7, None, b"{}")
    having = downloads.files(document, 7, None, b"{}", open_data.rows(folded(BOX), b"key", ZONE))

    assert "votes.csv" not in without
    assert ("votes.csv", "votes one by one") in [
        (row["file"], row["withheld"]) for row in read_rows(without["withheld.csv"])]
    assert len(read_rows(having["votes.csv"])) == len(folded(BOX))
    for column in downloads.VOTES:
        assert f"| `{column.name}` |" in having["README.md"].decode().split("## votes.csv")[1]


def test_times_of_votes_that_were_not_public_are_days() -> None:
    """In a Polis export too, and a later cast is never shown before an earlier one."""
    document = published(decide(BOX)[0], catalogue_log(BOX))
    ballots = [dataclasses.replace(ballot, casts=[*ballot.casts, dataclasses.replace(
        ballot.casts[-1], at=ballot.casts[-1].at - 3 * 86_400_000)]) for ballot in folded(BOX)]
    files = polis_export.files(document, {}, ballots, lambda _voters: None)
    shown = read_rows(files["votes.csv"])
    assert shown
    assert {(int(row["timestamp"]) + 3_600_000) % 3_600_000 for row in shown} == {0}
    last: dict[tuple[str, str], str] = {}
    for row in shown:
        last[row["voter-id"], row["comment-id"]] = row["vote"]
    assert last == {
        (row["participant"], column): vote
        for row in read_rows(files["participant-votes.csv"])
        for column, vote in row.items() if column.isdigit() and vote}
