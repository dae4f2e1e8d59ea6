"""Results to take away: whatever is published can be computed again from the same file."""

import csv
import functools
import hashlib
import io
import json
import re
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest

from processors.results.routes import others
from processors.results.scores import share, wilson
from schemas.words import CHOICES, COUNTS, QUALIFICATIONS
from tests.views import campaign
from views import downloads, route_columns
from views.days import Told
from views.embargo import concealed
from views.encoding import encode_json


SIZE = 150
TOLD = Told({date(2022, 3, 23): 4, date(2022, 3, 22): 3}, datetime(2022, 3, 24, tzinfo=UTC))


def rows(body: bytes) -> list[dict[str, str]]:
    """Read a table as a program does."""
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


def packed(document: dict[str, Any]) -> dict[str, bytes]:
    """Return the files of the ZIP."""
    body = downloads.whole_zip(document, 7, TOLD, encode_json(document))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("table", ["proposals", "ideas"])
def test_every_share_can_be_computed_again(table: str) -> None:
    """Each share and interval follows from the counts of its own row; what was received adds up."""
    document = campaign.document(SIZE)
    made = {"proposals": downloads.proposals_csv, "ideas": downloads.ideas_csv}[table](document)
    assert [row["id"] for row in rows(made)] == [entry["id"] for entry in document[table]]
    for row in rows(made):
        votes = int(row["votes"])
        assert votes == sum(int(row[name]) for name in CHOICES)
        for name in (*CHOICES, *QUALIFICATIONS):
            assert float(row[f"share_{name}"]) == share(int(row[name]), votes)
        for name in CHOICES:
            bounds = wilson(int(row[name]), votes)
            assert (float(row[f"{name}_low"]), float(row[f"{name}_high"])) == bounds
        became = [name for name in COUNTS
                  if name != "received" and name not in QUALIFICATIONS]
        assert int(row["received"]) == sum(int(row[name]) for name in became)


def test_every_column_is_explained() -> None:
    """The dictionary of the ZIP has a line for each column of each table, and the licence."""
    files = packed(campaign.document(SIZE))
    readme = files["README.md"].decode()
    assert downloads.LICENCE in readme
    for name, body in files.items():
        if name.endswith(".csv"):
            section = readme.split(f"## {name}\n")[1].split("\n## ")[0]
            explained = [line.split("`")[1] for line in section.splitlines() if "| `" in line]
            assert body.decode().splitlines()[0].split(",") == explained


def test_the_zip_says_what_it_holds() -> None:
    """Positions of the logs, versions, licence and a hash of every other file; days in order."""
    document = campaign.document(SIZE)
    files = packed(document)
    metadata = json.loads(files.pop("metadata.json"))
    assert metadata["as_of"] == document["as_of"]
    assert metadata["scores_version"] == document["scores_version"]
    assert metadata["licence"] == downloads.LICENCE
    assert metadata["sha256"] == {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    assert json.loads(files["results.json"]) == document
    assert rows(files["days.csv"]) == [
        {"day": "2022-03-22", "received": "3"}, {"day": "2022-03-23", "received": "4"}]


def test_the_same_results_are_the_same_bytes() -> None:
    """A file can be compared by its hash, whoever made it and when."""
    document = campaign.document(SIZE)
    first, second = (downloads.whole_zip(document, 7, None, b"{}") for _ in range(2))
    assert first == second


def written(text: str) -> dict[str, Any]:
    """Make a document of one proposal whose text, author and identifier are a text."""
    document = campaign.document(SIZE)
    hostile = {**document["proposals"][0], "id": text, "text": {"fr": text},
               "author": {"name": text, "kind": "citizen", "age_band": None}}
    return {**document, "proposals": [hostile]}


@pytest.mark.parametrize("text", [
    "=1+1", "+33", "-2", "@x", "\t=1", "\n=1", "\r-1", " =1", "\0=1", "\u00a0=1", "\u200b=1",
    "\ufeff@x", "＝1", "＋1", "－1", "＠x", "﹣1", "\u2212 1", "\tx", "\nx"])
def test_no_text_becomes_a_formula(text: str) -> None:
    """What people wrote stays text in a spreadsheet, whatever it skips before it looks."""
    (row,) = rows(downloads.proposals_csv(written(text)))
    assert row["id"] == row["text"] == row["author"]
    assert row["text"].startswith("'")
    assert row["text"].replace("'", "") == text


@pytest.mark.parametrize("separator", [";", ",", "\t", "\n", "|"])
def test_no_text_becomes_a_formula_where_it_is_taken_apart(separator: str) -> None:
    """A spreadsheet that splits at another sign finds no formula behind it either."""
    (row,) = rows(downloads.proposals_csv(written(f'a{separator} =HYPERLINK("x")')))
    cells = row["text"].split(separator)
    assert cells == ["a", '\' =HYPERLINK("x")']


def test_the_workbook_holds_texts_as_they_are_and_numbers_as_numbers() -> None:
    """Its cells say what they are: nothing is a formula or a link, and nothing is put in front."""
    document = written("=1+1")
    document["themes"] = []
    with zipfile.ZipFile(io.BytesIO(downloads.results_xlsx(document, TOLD))) as archive:
        sheets = {name: archive.read(name) for name in archive.namelist() if "/sheet" in name}
        texts = [each.text for each in ET.fromstring(archive.read("xl/sharedStrings.xml")).iter()
                 if each.tag.endswith("}t")]
    (first,) = [sheet for name, sheet in sheets.items() if name.endswith("/sheet1.xml")]
    second_row = ET.fromstring(first).findall(".//{*}sheetData/{*}row")[1]
    cells: dict[str, Any] = {}
    for cell in second_row:
        place = re.sub(r"[0-9]", "", cell.attrib["r"])
        number = functools.reduce(lambda sum_, letter: 26 * sum_ + ord(letter) - 64, place, 0)
        value = cell.findtext("{*}v") or ""
        cells[downloads.PROPOSALS[number - 1].name] = (
            texts[int(value)] if cell.attrib.get("t") == "s" else float(value))

    assert len(sheets) == 8
    assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets.values())
    assert cells["text"] == cells["author"] == cells["id"] == "=1+1"
    assert cells["agree"] == document["proposals"][0]["counted"]["agree"]


@pytest.mark.parametrize("by_route", [False, True])
def test_the_workbook_explains_every_column_and_is_the_same_bytes(*, by_route: bool) -> None:
    """A sheet of it is the dictionary; the same results make the same file."""
    document = campaign.document(SIZE, by_route=by_route)
    first, second = (downloads.results_xlsx(document, TOLD) for _ in range(2))
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        texts = archive.read("xl/sharedStrings.xml").decode()

    assert first == second
    for column in (*downloads.PROPOSALS, *downloads.IDEAS, *route_columns.columns(document)):
        assert escape(column.meaning) in texts


def test_under_rules_2_the_tables_have_drawn_votes_beside_all() -> None:
    """Counts, shares and intervals of drawn votes, routes and rules, proposal by proposal."""
    document = campaign.document(SIZE, by_route=True)
    found = rows(downloads.proposals_csv(document))
    for row, entry in zip(found, document["proposals"], strict=True):
        assert int(row["votes"]) == sum(
            int(row[f"route_{route}"]) for route in ("drawn", "asked", "unknown"))
        assert int(row["drawn_agree"]) == entry["drawn"]["agree"]
        assert float(row["drawn_share_agree"]) == pytest.approx(
            int(row["drawn_agree"]) / int(row["route_drawn"]), abs=1e-6)
        assert row["set_aside_rule_7"] == row["set_aside_suspended"]


def test_tables_say_where_drawn_and_other_votes_differ() -> None:
    """The choices on which they are apart, beside the intervals that do not meet."""
    document = campaign.document(SIZE, by_route=True)
    found = rows(downloads.proposals_csv(document))
    for row, entry in zip(found, document["proposals"], strict=True):
        assert row["apart"].split() == entry["apart"]
        assert float(row["other_agree_low"]) == others(entry)["intervals"]["agree"][0]
    assert any(row["apart"] for row in found)


def test_columns_of_routes_are_there_under_rules_2_alone() -> None:
    """Each is in the tables and explained; before, no table has one."""
    document = campaign.document(SIZE, by_route=True)

    assert len(rows(downloads.proposals_csv(document))[0]) == (
        len(downloads.PROPOSALS) + len(route_columns.COLUMNS))
    assert "route_drawn" not in rows(downloads.ideas_csv(campaign.document(SIZE)))[0]
    assert "`drawn_rank_best`" in downloads.readme(document)


def test_withheld_cells_stay_withheld() -> None:
    """No word of a table with a small one has a number in the file either."""
    cells = {row["value"]: row["descriptions"]
             for row in rows(packed(campaign.document(SIZE))["participation.csv"])}
    assert (cells["FR-976"], cells["FR-IDF"]) == ("", "")
    assert cells["woman"] == "55120"
    left_out = {(row["file"], row["withheld"]) for row in rows(
        packed(campaign.document(SIZE))["withheld.csv"])}
    assert {("participation.csv", "region: FR-IDF"), ("participation.csv", "12 descriptions"),
            } <= left_out
    assert ("participation.csv", "gender: woman") not in left_out


def test_an_embargo_leaves_the_columns_empty() -> None:
    """Until voting has closed every file has its columns, and none says how people vote."""
    for row in rows(downloads.proposals_csv(concealed(
            campaign.document(SIZE, closed=False, by_route=True)))):
        assert int(row["votes"]) > int(row["route_drawn"]) > 0
        told = [*CHOICES, *QUALIFICATIONS, "zone", "rank_position", "score_top",
                *(f"share_{name}" for name in CHOICES), "agree_low", "agree_high",
                *(f"drawn_{name}" for name in (*CHOICES, *QUALIFICATIONS)), "drawn_share_agree",
                "drawn_agree_low", "drawn_rank_position", "other_share_agree", "other_agree_low",
                "apart"]
        assert [row[name] for name in told] == [""] * len(told)
