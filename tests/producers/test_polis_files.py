"""A Polis export through the hands of spreadsheets: the same votes, or a sentence with the line."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.errors import InvalidInput, Missing, ProducingError
from producers.polis import catalogue_events, read_current, read_export, vote_events
from producers.polis_files.instants import Unit
from schemas import codec
from tests.producers.polis_sets import FILES, VOTES, Change, meant, written
from tests.schemas.events import property_test


def separated(separator: str) -> Change:
    """Save a file as a spreadsheet of another country."""
    def change(text: str) -> str:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=separator).writerows(csv.reader(io.StringIO(text, newline="")))
        return out.getvalue()

    return change


def wrapped(text: str) -> str:
    """Save each row as one field, as a spreadsheet does that did not know the comma."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([line] for line in text.splitlines())
    return out.getvalue()


def apostrophes(text: str) -> str:
    """Mark the first number of every row as text."""
    head, *rows = text.splitlines()
    return "\n".join((head, *(f"'{row}" if row[0].isdigit() else row for row in rows)))


SAME: dict[str, tuple[dict[str, Change] | Change, str]] = {
    "a byte order mark": (lambda text: b"\xef\xbb\xbf" + text.encode(), ""),
    "UTF-16, little end first": (lambda text: text.encode("utf-16"), ""),
    "UTF-16, big end first": (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), ""),
    "Windows-1252": (lambda text: text.encode("cp1252"), "comments.csv, line 2: not UTF-8"),
    "semicolons": (separated(";"), "separated by ';'"),
    "tabs": (separated("\t"), r"separated by '\t'"),
    "a line that says the separator": (
        lambda text: "sep=;\n" + str(separated(";")(text)), "separated by ';'"),
    "rows in one field": (wrapped, "took for one field"),
    "line ends of Windows": (lambda text: text.replace("\n", "\r\n"), ""),
    "line ends of old Macs": (lambda text: text.replace("\n", "\r"), ""),
    "empty columns behind": (lambda text: text.replace("\n", ",,\n"), ""),
    "empty fields behind rows alone": ({"votes.csv": lambda text: text.replace(
        "\n", ",,\n").replace("vote,,", "vote")}, ""),
    "empty lines": (lambda text: text.replace("\n", "\n\n"), ""),
    "rows of separators": (
        lambda text: text + ",,,,\n,,,,\n", "line 7 (and 1 more): empty rows are left out"),
    "names in capitals": (
        lambda text: text.replace("comment-id", " Comment_ID "), "names of columns"),
    "apostrophes": (
        {"votes.csv": apostrophes}, "line 2 (and 4 more): an apostrophe before a number"),
    "thousands in French": (
        {"votes.csv": lambda text: text.replace(
            "1726864090000", "1\u202f726\u202f864\u202f090\u00a0000")},
        "line 2: numbers with thousands set apart"),
    "thousands with points": (
        {"votes.csv": lambda text: text.replace("1726864090000", "1.726.864.090.000")},
        "line 2: numbers with thousands set apart"),
    "numbers with decimals": (
        {"votes.csv": lambda text: text.replace(",-1\n", ",-1.0\n").replace(",1\n", ",1.0\n")},
        "decimals that are zero"),
    "votes in seconds": (
        {"votes.csv": lambda text: text.replace("000,Fri", ",Fri")}, "taken for seconds"),
    "all in seconds": (lambda text: text.replace("000,Fri", ",Fri"), "taken for seconds"),
    "dates with an offset": (
        {"votes.csv": lambda text: text.replace("1726864090000", "2024-09-20T22:28:10+02:00")}, ""),
    "no datetime": ({"comments.csv": lambda text: "\n".join(
        ",".join(row.split(",")[:1] + row.split(",")[2:]) for row in text.splitlines())}, ""),
    "columns nobody knows": (
        {"votes.csv": lambda text: text.replace("\n", ",x\n").replace(",x", ",weight", 1)},
        "column 'weight' is not read"),
    "a hundred columns nobody knows": (
        {"votes.csv": lambda text: text.replace("\n", "," * 100 + "\n").replace(
            "," * 100, "".join(f",c{number}" for number in range(100)), 1)},
        "80 more columns are not read"),
    "a datetime of another day": (
        {"votes.csv": lambda text: text.replace("Sep 20 2024 20:28:12", "Sep 10 2024 20:28:12")},
        "line 4: the column datetime says another time"),
    "a minus of typographers": (
        {"votes.csv": lambda text: text.replace(",-1\n", ",−1\n")}, ""),
    "a comment twice": (
        {"comments.csv": lambda text: text + text.splitlines()[2] + "\n"},
        "line 5: comments that stand there twice"),
    "a convention cut into fields": (
        {"summary.csv": lambda text: text.replace(",", ";").replace("s;", "s,")}, ""),
}
"""What programs do to the files, and what is said of it."""


@pytest.mark.parametrize("name", SAME)
def test_what_takes_nothing_away_changes_nothing(name: str, tmp_path: Path) -> None:
    """Votes, comments and summary are those of the set as it was; what was assumed is said."""
    changes, said = SAME[name]
    original = read_export(written(tmp_path / "original" / "set", {}))
    changed = read_export(written(tmp_path / "changed" / "set", changes))

    assert meant(changed) == meant(original), changed.assumed
    assert said in "\n".join(changed.assumed)
    assert len(original.assumed) == 3


REFUSED: dict[str, tuple[str, Change, str]] = {
    "scientific notation": (
        "votes.csv", lambda text: text.replace("1726864090000", "1.72686E+12"),
        "line 2, column timestamp: '1.72686E+12' is in scientific notation"),
    "scientific notation in French": (
        "votes.csv", lambda text: text.replace("1726864090000", '"1,72686E+12"'),
        "digits are lost. Take the file as Polis exported it"),
    "a date of a spreadsheet": (
        "votes.csv", lambda text: text.replace("1726864092000", "20/09/2024 20:28"),
        "line 4, column timestamp: '20/09/2024 20:28' is a date as spreadsheets write it"),
    "days since 1900": (
        "votes.csv", lambda text: text.replace("1726864092000", "45555.853"), "a date as spread"),
    "a date without a zone": (
        "votes.csv", lambda text: text.replace("1726864092000", "2024-09-20 20:28:12"),
        "line 4, column timestamp: '2024-09-20 20:28:12' does not say its time zone"),
    "both units": (
        "votes.csv", lambda text: text.replace("1726864092000", "1726864092"),
        "lines 4 and 2: the first timestamp is in seconds, the second in milliseconds"),
    "an instant of no unit": (
        "votes.csv", lambda text: text.replace("1726864092000", "12345"),
        "line 4, column timestamp: 12345 lies between 2010 and 2100 neither"),
    "thousands or decimals": (
        "comments.csv", lambda text: text.replace("1,0,2,0,1,", '1,0,"1,204",0,1,'),
        "line 3, column agrees: '1,204' may be thousands set apart, or decimals"),
    "no number": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", ",0,NaN,1\n"),
        "line 2, column voter-id: 'NaN' is not a whole number"),
    "a negative identifier": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", ",0,-7,1\n"),
        "line 2, column voter-id: -7 is no number of Polis"),
    "a huge identifier": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", f",{'9' * 400},0,1\n"),
        "line 2, column comment-id: '9999"),
    "no vote": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", ",0,0,\n"),
        "line 2, column vote: is empty"),
    "another vote": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", ",0,0,2\n"),
        "line 2, column vote: '2' is none of 1, -1"),
    "a negative count": (
        "comments.csv", lambda text: text.replace("1,0,2,0,1,", "1,0,-2,0,1,"),
        "line 3, column agrees: -2 is no count"),
    "another moderation": (
        "comments.csv", lambda text: text.replace("1,0,2,0,1,", "1,0,2,0,7,"),
        "line 3, column moderated: 7 is none of"),
    "a column missing": (
        "votes.csv", lambda text: text.replace("voter-id", "voter"),
        "line 1: missing columns voter-id; found are 'timestamp'"),
    "a column twice": (
        "votes.csv", lambda text: text.replace("datetime", "vote"),
        "line 1, column vote: stands twice"),
    "a value under no name": (
        "votes.csv", lambda text: text.replace("\n", ",\n").replace(",1,\n", ",1,x\n", 1),
        "line 2, column without a name: holds 'x'"),
    "a field too few": (
        "votes.csv", lambda text: text.replace(",0,0,1\n", ",0,1\n"),
        "line 2: 4 fields, the header names 5"),
    "a quotation mark missing": (
        "comments.csv", lambda text: text.replace('cœur"', "cœur"), "line 2: the row that begins"),
    "a NUL": ("votes.csv", lambda text: text.replace("CDT", "C\0T"), "line 3: holds a NUL"),
    "two encodings": (
        "comments.csv", lambda text: text.encode().replace("É".encode(), b"\xc9"),
        "line 3: byte 0xc9 is no UTF-8, while other letters"),
    "no encoding": (
        "comments.csv", lambda text: text.encode("cp1252").replace(b"\xc9", b"\x81"),
        "line 3: byte 0x81 belongs to neither"),
    "half of UTF-16": (
        "votes.csv", lambda text: text.encode("utf-16")[:-1], "begins with the mark of UTF-16-LE"),
    "no file but an empty one": ("votes.csv", lambda _text: "", "line 1: missing columns"),
    "a convention of other signs": (
        "summary.csv", lambda text: text.replace("=+1", "=2"),
        "declares a vote-convention that cannot be read"),
    "a convention without its value": (
        "summary.csv", lambda text: text.replace(",agree", "\nagree"), "cannot be read"),
    "a summary that is no CSV": (
        "summary.csv", lambda _text: 'topic,"What', "no CSV of keys and values"),
}
"""What cannot be read: the file, what happened to it, what is said."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_takes_something_away_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    """The message names the file, the line, and the value as it stands there."""
    file, change, said = REFUSED[name]
    folder = written(tmp_path, {file: change})
    with pytest.raises(InvalidInput) as refused:
        read_export(folder)

    assert str(refused.value).startswith(str(folder / file))
    assert said in str(refused.value)
    assert len(str(refused.value)) < 600


def test_votes_of_the_future_are_refused(tmp_path: Path) -> None:
    """Kafka takes no record far ahead of its clock: the line is told before anything is written."""
    folder = written(tmp_path, {})
    with pytest.raises(InvalidInput, match=r"votes.csv, line 3, column timestamp: 172686"):
        read_export(folder, now=1_726_864_090_500 - 3_600_000)
    assert read_export(folder, now=1_726_864_094_000).votes


def test_files_are_found_as_reports_name_them(tmp_path: Path) -> None:
    """A report puts its date and identifier before the names; two exports in one folder are told.
    """
    plain = read_export(written(tmp_path / "plain" / "set", {}))
    folder = written(tmp_path / "named" / "set", {})
    for name in FILES:
        (folder / name).rename(folder / f"2025-06-19-1201-3phdex2kjf-{name}")
    (folder / "2025-06-19-1201-3phdex2kjf-participant-votes.csv").write_text("participant\n")
    named = read_export(folder)

    assert meant(named) == meant(plain)
    assert any("read from '2025-06-19-1201-3phdex2kjf-votes.csv'" in said for said in named.assumed)
    (folder / "2025-07-01-0900-3phdex2kjf-votes.csv").write_text(VOTES)
    with pytest.raises(InvalidInput, match="Put the files of one export alone"):
        read_export(folder)


def test_what_is_not_there_and_what_is_no_folder_is_said(tmp_path: Path) -> None:
    """Missing has a status of its own; a zip must be unpacked."""
    with pytest.raises(Missing, match=r"votes.csv: no such file"):
        read_export(tmp_path)
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(InvalidInput, match=r"set.zip: not a folder. If it is a zip"):
        read_export(tmp_path / "set.zip")


def test_a_summary_that_counts_otherwise_is_said(tmp_path: Path) -> None:
    """An export whose end is missing is read, and told."""
    folder = written(tmp_path, {
        "votes.csv": lambda text: "".join(text.splitlines(keepends=True)[:2])})
    export = read_export(folder)

    assert any("says '2' voters, votes.csv has votes of 1: is the export whole" in said
               for said in export.assumed)


def test_the_unit_is_taken_from_the_operator(tmp_path: Path) -> None:
    """Where a number tells no unit, --unit does; it is said that it did."""
    folder = written(tmp_path, {"votes.csv": lambda text: text.replace("17268640", "")})
    export = read_export(folder, unit=Unit.MILLISECONDS)

    assert [vote.timestamp for vote in export.votes] == [90_000, 91_000, 92_000, 93_000, 94_000]
    assert "timestamps are milliseconds since 1970, as --unit says" in export.assumed[0]


def test_votes_whose_order_or_comment_is_unknown_are_kept_and_said(tmp_path: Path) -> None:
    """History stays history; a vote on a comment that is not there counts all the same."""
    folder = written(tmp_path, {"votes.csv": lambda text: (
        text + "1726864090000,x,0,0,-1\n1726864095000,x,77,0,1\n")})
    export = read_export(folder)
    said = "\n".join(export.assumed)

    assert len(export.votes) == 7
    assert "1 vote is on comments that comments.csv does not hold (77)" in said
    assert "1 vote is of the same instant as another" in said


def test_texts_of_comments_are_shown_safely(tmp_path: Path) -> None:
    """Votes hang on a comment: what nobody may publish is taken out, and what is left is shown."""
    bodies = ["DÃ©chets", "Safe \u202etxet\u202c", "\u200b\u2060", "a\x1bb", "é" * 1_500]
    rows = "".join(f'1726860676000,x,{number},0,0,0,1,"{body}"\n'
                   for number, body in enumerate(bodies))
    folder = written(tmp_path, {"comments.csv": lambda text: text.splitlines()[0] + "\n" + rows})
    export = read_export(folder, agree_is=1)

    assert [comment.body for comment in export.comments] == [
        "DÃ©chets", "Safe txet", "", "ab", "é" * 1_000]
    assert export.hidden == {"2"}
    said = "\n".join(export.assumed)
    assert "line 3 (and 1 more): characters are taken out" in said
    assert "line 2: letters look like UTF-8 that was read as Windows-1252" in said
    assert "line 4: comments in which nothing can be seen are hidden" in said
    assert "line 6: texts of more than 2,000 bytes are cut" in said


@given(file=st.sampled_from([*FILES, "format.json", "participant-votes.csv"]),
       content=st.binary(max_size=300), at=st.integers(0, 700), cut=st.integers(0, 40))
@property_test
def test_any_bytes_give_an_export_or_a_documented_error(
    tmp_path_factory: pytest.TempPathFactory, file: str, content: bytes, at: int, cut: int
) -> None:
    """Bytes alone, and bytes in the midst of a good file: never another exception."""
    folder = tmp_path_factory.mktemp("any") / "set"
    good = FILES.get(file, '{"vote-convention": "agree=1;disagree=-1;pass=0"}').encode()
    for changed in (content, good[:at] + content[:20] + good[at + cut:]):
        written(folder, {})
        (folder / file).write_bytes(changed)
        assert outcome(folder).startswith(("read", str(folder)))


CELLS = (
    "", "-", "+1", "1E+3", "1,5", "1.000.000", "NaN", '"', '""', "\0", "\ufeff", "'", "\u202e",
    "9" * 30,
    "-1", "0", "2", "\r", ";", ",", "\t", "é", "−1", "1 000", "٣", "2024-09-20T20:28:10Z",
    "2024-13-45T99:99:99Z", "0000-00-00 00:00", "9999-12-31T23:59:59-14:00", "20/09/2024", "=1+1",
    "\x1b[2J", "\u200b", "agree=-1;disagree=+1;pass=0", "vote-convention", "sep=;", "\U0001f600")
"""What may stand in a cell, and nobody meant."""


@given(changes=st.lists(st.tuples(
    st.sampled_from(sorted(FILES)), st.integers(0, 60), st.sampled_from(CELLS)), max_size=3),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig", "cp1252"]),
    agree_is=st.sampled_from([None, 1, -1]))
@property_test
def test_any_cells_give_events_that_can_be_written_or_a_documented_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, str]], encoding: str,
    agree_is: int | None,
) -> None:
    """What is read becomes events of the log, each of them encoded and decoded."""
    folder = written(tmp_path_factory.mktemp("cells") / "set", {})
    for file, number, cell in changes:
        cells = (folder / file).read_text("utf-8").split(",")
        cells[number % len(cells)] = cell
        (folder / file).write_text(",".join(cells), "utf-8")
    for file in FILES:
        (folder / file).write_bytes(
            (folder / file).read_text("utf-8").encode(encoding, errors="replace"))
    try:
        export = read_export(folder, agree_is=agree_is)
    except ProducingError as error:
        message = str(error)
    else:
        message = str(folder)
        events = [*catalogue_events(export, "set", "und"),
                  *(event for _, event in vote_events(export, "set"))]
        assert [codec.decode(value)[1]["event_id"] for _, _, value in events] == [
            event_id for event_id, _, _ in events]
    assert str(folder) in message


def outcome(folder: Path) -> str:
    """Read an export: say that it was, or the message."""
    try:
        read_export(folder)
        read_current(folder)
    except ProducingError as error:
        return str(error)
    return "read"
