"""Reads a Polis export: its files, checked, as events of one consultation. Pure but for reading.

Theory of operation: the events of an export are a function of its files, the set's name (its
folder's) and the consultation: identifiers, pseudonyms and salts are digests. So an import can
be repeated, by anybody, and finds its own events in the log. Salts that anybody can compute hide
nothing: an export is public data already.
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.errors import InvalidInput, Missing
from schemas import codec, hot
from schemas.words import CHOICES, ORIGINS, TRUSTS


VOTES_COLUMNS = ("timestamp", "datetime", "comment-id", "voter-id", "vote")
COMMENTS_COLUMNS = (
    "timestamp", "datetime", "comment-id", "author-id", "agrees", "disagrees", "moderated",
    "comment-body",
)
CURRENT_FILES = ("participants-votes.csv", "participant-votes.csv")
"""Names that the file of current votes has had."""
CONVENTION = "agree=+1;disagree=-1;pass=0"
"""What newer exports declare, and older ones mean (polis-export/1)."""
CHOICE_OF_VOTE = {"1": "agree", "-1": "disagree", "0": "neutral"}
"""Polis: 1 agree, -1 disagree, 0 pass."""
TEXT_BYTES_MOST = 2_000
"""Bound of a proposal's text; the longest known comment has 400 characters."""
FIELD_CHARACTERS_MOST = 1 << 20
"""No field of an export is longer; a longer one is a missing quotation mark."""
INSTANT_DIGITS_MOST = 14
"""Milliseconds until the year 5138: a longer number is in another unit."""
UNDETERMINED = "und"
"""Language of texts where the export does not say it (BCP 47)."""

_TRUSTED, _IMPORT = TRUSTS.index("trusted"), ORIGINS.index("import")

Event = tuple[bytes, int, bytes]
"""Event id, timestamp in milliseconds UTC, encoded value."""


@dataclass(frozen=True)
class PolisVote:
    """One row of votes.csv."""

    row: int
    timestamp: int
    comment: str
    voter: str
    choice: int


@dataclass(frozen=True)
class PolisComment:
    """One row of comments.csv."""

    timestamp: int
    comment: str
    body: str
    claimed: tuple[int, int]
    """Agrees and disagrees as the export says: nothing is counted by them."""


@dataclass(frozen=True)
class PolisExport:
    """A whole export; votes by timestamp then row, comments by timestamp then id."""

    name: str
    votes: tuple[PolisVote, ...]
    comments: tuple[PolisComment, ...]
    summary: dict[str, str]


def read_export(directory: Path) -> PolisExport:
    """Read an export; InvalidInput names file, line and column, Missing a file that is not there.

    summary.csv may be missing: then the consultation is asked in default words.
    """
    votes_path, comments_path = directory / "votes.csv", directory / "comments.csv"
    votes = [
        _vote(row, number, _Place(votes_path, line))
        for number, (row, line) in enumerate(_rows(votes_path, VOTES_COLUMNS), 1)
    ]
    comments = [
        _comment(row, _Place(comments_path, line))
        for row, line in _rows(comments_path, COMMENTS_COLUMNS)
    ]
    summary = _summary(directory / "summary.csv")
    convention = summary.get("vote-convention", CONVENTION)
    if convention.split(";")[:3] != CONVENTION.split(";"):
        raise InvalidInput(
            f"{directory / 'summary.csv'}: vote-convention {convention!r}, only {CONVENTION} is "
            "read. Convert votes.csv first: the wrong sign would turn every vote round.")
    return PolisExport(
        name=directory.resolve().name,
        votes=tuple(sorted(votes, key=lambda vote: (vote.timestamp, vote.row))),
        comments=tuple(sorted(comments, key=lambda c: (c.timestamp, c.comment))),
        summary=summary,
    )


def read_current(directory: Path) -> dict[tuple[str, str], int] | None:
    """Read the current vote, as a choice, of each cell (participant, comment); None without file.
    """
    for path in (directory / name for name in CURRENT_FILES):
        if path.exists():
            return dict(_current(path))
    return None


def _current(path: Path) -> Iterator[tuple[tuple[str, str], int]]:
    for row, line in _rows(path, None):
        for column, vote in row.items():
            if not (_is_number(column) and vote):
                continue
            choice = CHOICE_OF_VOTE.get(vote)
            if choice is None:
                raise _Place(path, line).wrong(column, f"{vote!r} is not 1, -1 or 0.")
            yield (row.get("participant", ""), column), CHOICES.index(choice)


def voter_of(consultation: str, voter: str) -> bytes:
    """Give the pseudonym of a Polis voter within a consultation."""
    return _digest(consultation, "voter", voter)


def catalogue_events(export: PolisExport, consultation: str, language: str) -> list[Event]:
    """Describe the consultation and accept every comment as a proposal, moderated or not."""
    events = [_described(export, consultation, language)]
    for comment in export.comments:
        # What is said is part of the id: a text mended in the files is written as another event.
        event_id = _digest(export.name, "comment", consultation, language, comment.comment,
                           comment.body)
        events.append((event_id, comment.timestamp, codec.encode(
            "ProposalAccepted", event_id=event_id, consultation=consultation,
            proposal=comment.comment, text={language: comment.body}, author=None,
            origin="import", occurred_at=comment.timestamp,
        )))
    return events


def vote_events(export: PolisExport, consultation: str) -> Iterator[tuple[bytes, Event]]:
    """Give every row of votes.csv as its voter and the vote, in order."""
    encode = hot.encoder("VoteCast")
    for vote in export.votes:
        event_id = _digest(export.name, str(vote.row))
        voter = voter_of(consultation, vote.voter)
        value = encode(
            event_id, voter, _digest(export.name, "salt", str(vote.row)), vote.choice, _TRUSTED,
            _IMPORT, consultation, vote.comment, vote.timestamp,
        )
        yield voter, (event_id, vote.timestamp, value)


def _described(export: PolisExport, consultation: str, language: str) -> Event:
    instants = [vote.timestamp for vote in export.votes[:1]]
    instants += [comment.timestamp for comment in export.comments[:1]]
    opens_at = min(instants, default=0)
    question = (export.summary.get("topic") or export.summary.get("conversation-description")
                or f"Polis conversation {export.name}")
    event_id = _digest(export.name, "summary", consultation, language, question)
    return event_id, opens_at, codec.encode(
        "ConsultationDescribed", event_id=event_id, consultation=consultation,
        question={language: _cut(question, 500)}, opens_at=opens_at, closes_at=None,
        time_zone="UTC", languages=[language], votes_target=None, hashtag=None,
        contact=_cut(export.summary.get("url", ""), 200) or None, stages=[], organisers=[],
        facts=[], shares_embargoed=False, origin="import", occurred_at=opens_at,
    )


@dataclass(frozen=True)
class _Place:
    """Where something is wrong."""

    path: Path
    line: int

    def wrong(self, column: str, what: str) -> InvalidInput:
        return InvalidInput(f"{self.path}, line {self.line}, column {column}: {what}")


def _rows(path: Path, columns: Sequence[str] | None) -> Iterator[tuple[dict[str, str], int]]:
    """Give the rows of a file with these columns (None: any), each with its last line."""
    csv.field_size_limit(FIELD_CHARACTERS_MOST)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames or ()
            _check_columns(path, names if columns is None else columns, names)
            for row in reader:
                if None in row or None in row.values():
                    raise InvalidInput(
                        f"{path}, line {reader.line_num}: not {len(names)} fields. Export the "
                        "set again, or mend the row."
                    )
                yield row, reader.line_num
    except FileNotFoundError as error:
        raise Missing(
            f"{path}: no such file. A Polis export is a folder with votes.csv and comments.csv."
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path}: not a readable CSV file in UTF-8 ({error}).") from error


def _check_columns(path: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    if missing or unknown:
        raise InvalidInput(
            f"{path}, line 1: missing columns {missing}, unknown columns {unknown}. Expected are "
            f"{', '.join(wanted)}: an unknown column could change what a row means."
        )


def _vote(row: dict[str, str], number: int, place: _Place) -> PolisVote:
    choice = CHOICE_OF_VOTE.get(row["vote"])
    if choice is None:
        raise place.wrong(
            "vote", f"{row['vote']!r} is not 1 (agree), -1 (disagree) or 0 (pass). An export in "
            "another convention must be converted first."
        )
    return PolisVote(
        row=number, timestamp=_instant(row, place), comment=_name(row, "comment-id", place),
        voter=_name(row, "voter-id", place), choice=CHOICES.index(choice),
    )


def _comment(row: dict[str, str], place: _Place) -> PolisComment:
    size = len(row["comment-body"].encode())
    if size > TEXT_BYTES_MOST:
        raise place.wrong(
            "comment-body",
            f"{size} bytes, at most {TEXT_BYTES_MOST} are taken. Shorten the comment.",
        )
    return PolisComment(
        timestamp=_instant(row, place), comment=_name(row, "comment-id", place),
        body=row["comment-body"],
        claimed=(_count(row, "agrees", place), _count(row, "disagrees", place)),
    )


def _instant(row: dict[str, str], place: _Place) -> int:
    text = row["timestamp"]
    if not (_is_number(text) and len(text) <= INSTANT_DIGITS_MOST):
        raise place.wrong(
            "timestamp",
            f"{text!r} is not a whole number of milliseconds since 1970. Mend the row.",
        )
    return int(text)


def _count(row: dict[str, str], column: str, place: _Place) -> int:
    text = row[column]
    if not (_is_number(text) and len(text) <= INSTANT_DIGITS_MOST):
        raise place.wrong(column, f"{text!r} is not a whole number. Mend the row.")
    return int(text)


def _name(row: dict[str, str], column: str, place: _Place) -> str:
    text = row[column]
    if not (_is_number(text) and len(text) <= hot.SHORT_STRING_BYTES):
        raise place.wrong(column, f"{text!r} is not a number as Polis gives them. Mend the row.")
    return text


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _summary(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path}: not a readable CSV file in UTF-8 ({error}).") from error


def _cut(text: str, size_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, at a whole character."""
    return text.encode()[:size_bytes].decode(errors="ignore")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]
