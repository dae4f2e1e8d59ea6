"""What the four Polis sets hold, as their README says, and how to read them without our code."""

import csv
from dataclasses import dataclass
from pathlib import Path


DIRECTORY = Path(__file__).parents[2].parent / "shared" / "data" / "polis"
CHOICE_OF = {"1": "agree", "-1": "disagree", "0": "neutral"}


@dataclass(frozen=True)
class Figures:
    """One row of the table in the README of the sets."""

    events: int
    voters: int
    proposals: int
    current: int
    repeat: int
    change: int
    agree: int
    disagree: int
    neutral: int
    comments_that_differ: int


SETS = {
    "vtaiwan.uberx": Figures(49_997, 1_921, 197, 49_443, 538, 16, 31_029, 11_894, 6_520, 96),
    "canadian-electoral-reform": Figures(
        12_018, 448, 174, 11_950, 65, 3, 7_205, 2_831, 1_914, 44),
    "brexit-consensus": Figures(5_312, 204, 50, 5_303, 8, 1, 2_685, 1_952, 666, 8),
    "scoop-hivemind.freshwater": Figures(3_979, 117, 80, 3_972, 7, 0, 2_483, 1_081, 408, 6),
}


def participants_votes(name: str) -> dict[tuple[str, str], str]:
    """Read the current vote of every cell of participants-votes.csv: (participant, comment)."""
    with (DIRECTORY / name / "participants-votes.csv").open(newline="") as file:
        return {
            (row["participant"], column): CHOICE_OF[value]
            for row in csv.DictReader(file)
            for column, value in row.items() if column.isdigit() and value
        }


def voters(name: str) -> set[str]:
    """Name the voters of votes.csv."""
    with (DIRECTORY / name / "votes.csv").open(newline="") as file:
        return {row["voter-id"] for row in csv.DictReader(file)}


def published_counts(name: str) -> dict[str, tuple[int, int]]:
    """Read what comments.csv claims: agrees and disagrees by comment."""
    with (DIRECTORY / name / "comments.csv").open(newline="") as file:
        return {row["comment-id"]: (int(row["agrees"]), int(row["disagrees"]))
                for row in csv.DictReader(file)}
