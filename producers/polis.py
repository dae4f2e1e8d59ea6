"""Reads a Polis export: its files, checked, as events of one consultation. Pure but for reading.

What the files of a year, a spreadsheet or a database look like is told apart in `polis_files`; here
stands what they mean.

Theory of operation: the events of an export are a function of its files, the set's name (its
folder's) and the consultation: identifiers, pseudonyms and salts are digests. So an import can
be repeated, by anybody, and finds its own events in the log. Salts that anybody can compute hide
nothing: an export is public data already.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.polis_files.declared import Declared, read_declared
from producers.polis_files.instants import AHEAD_MOST_MILLISECONDS, LAST, Timestamps, Unit
from producers.polis_files.numbers import whole_number
from producers.polis_files.places import Assumed, Notes, shown
from producers.polis_files.signs import Fit, fit, sign
from producers.polis_files.tables import Row, read_table
from producers.polis_files.texts import find_file
from schemas import codec, hot
from schemas.codec import ID_BYTES
from schemas.texts import fault, made_safe, normalised
from schemas.words import CHOICES, ORIGINS, TRUSTS


VOTES_COLUMNS = ("timestamp", "comment-id", "voter-id", "vote")
COMMENTS_COLUMNS = ("timestamp", "comment-id", "agrees", "disagrees", "moderated", "comment-body")
CURRENT_COLUMNS = ("participant",)
SILENT_COLUMNS = ("datetime", "author-id")
"""Columns that nothing depends on; some years lack them."""
CURRENT_FILES = ("participants-votes.csv", "participant-votes.csv")
"""Names that the file of current votes has had."""
CHOICE_OF_VOTE = {1: "agree", -1: "disagree", 0: "neutral"}
"""With agree = 1, as Polis exports it: -1 disagree, 0 pass."""
REJECTED, UNDECIDED, ACCEPTED = -1, 0, 1
"""Values of the column `moderated`."""
TEXT_BYTES_MOST = 2_000
"""Bound of a proposal's text; the longest known comment has 500 characters."""
QUESTION_BYTES_MOST, CONTACT_BYTES_MOST = 500, 200
IDS_SHOWN_MOST = 5
"""So many comments are named in a note."""
UNDETERMINED = "und"
"""Language of texts where the export does not say it (BCP 47)."""

_TRUSTED, _IMPORT = TRUSTS.index("trusted"), ORIGINS.index("import")

Event = tuple[bytes, int, bytes]
"""Event id, timestamp in milliseconds UTC, encoded value."""


@dataclass(frozen=True, slots=True)
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
    """What is shown; empty where the comment was rejected or holds nothing that can be seen."""
    claimed: tuple[int, int]
    """Agrees and disagrees as the export says: nothing is counted by them."""


@dataclass(frozen=True)
class PolisExport:
    """A whole export; votes by timestamp then row, comments by timestamp then id."""

    name: str
    votes: tuple[PolisVote, ...]
    comments: tuple[PolisComment, ...]
    summary: dict[str, str]
    agree_is: int = 1
    """The value that stood for an agreement in votes.csv."""
    assumed: tuple[str, ...] = ()
    """What was assumed or left out, in sentences that name file and line."""

    @property
    def hidden(self) -> frozenset[str]:
        """Comments that are not shown; votes on them count."""
        return frozenset(comment.comment for comment in self.comments if not comment.body)


def read_export(
    directory: Path, *, agree_is: int | None = None, unit: Unit | None = None,
    now: int | None = None,
) -> PolisExport:
    """Read an export; InvalidInput names file, line and column, Missing a file that is not there.

    `agree_is` (1 or -1) and `unit` are the operator's word where the files do not tell; nothing
    may have happened after `now` (milliseconds UTC; None: not looked at).
    summary.csv may be missing: then the consultation is asked in default words.
    """
    assumed = Assumed()
    notes, about_comments = (assumed.about(str(directory / name))
                             for name in ("votes.csv", "comments.csv"))
    votes_path = find_file(directory, "votes.csv", notes)
    comments_path = find_file(directory, "comments.csv", about_comments)
    declared = read_declared(directory, assumed)
    latest = LAST if now is None else now + AHEAD_MOST_MILLISECONDS
    cast = _votes(
        read_table(votes_path, VOTES_COLUMNS, SILENT_COLUMNS, notes), notes,
        Timestamps(notes, asked=unit, declared=declared.unit, latest=latest))
    comments = _comments(
        read_table(comments_path, COMMENTS_COLUMNS, SILENT_COLUMNS, about_comments),
        about_comments,
        Timestamps(about_comments, asked=unit, declared=declared.unit, latest=latest))
    agree = _agree(agree_is, declared, cast, comments, notes)
    _note_votes(cast, comments, about_comments, notes)
    _note_summary(declared, cast, comments, assumed.about(str(directory / "summary.csv")))
    return PolisExport(
        name=directory.resolve().name.encode(errors="replace").decode(),
        votes=tuple(sorted((
            PolisVote(row, at, comment, voter, CHOICES.index(CHOICE_OF_VOTE[value * agree]))
            for row, at, comment, voter, value in cast),
            key=lambda vote: (vote.timestamp, vote.row))),
        comments=tuple(sorted(comments, key=lambda c: (c.timestamp, c.comment))),
        summary=declared.summary,
        agree_is=agree,
        assumed=assumed.sentences(),
    )


def read_current(directory: Path, *, agree_is: int = 1) -> dict[tuple[str, str], int] | None:
    """Read the current vote, as a choice, of each cell (participant, comment); None without file.
    """
    for name in CURRENT_FILES:
        notes = Notes(str(directory / name))
        path = find_file(directory, name, notes)
        if path.exists():
            return dict(_current(path, agree_is, notes))
    return None


def _current(
    path: Path, agree: int, notes: Notes
) -> Iterator[tuple[tuple[str, str], int]]:
    for row in read_table(path, CURRENT_COLUMNS, (), notes):
        participant = _id(row, "participant", notes)
        for column, vote in row.values.items():
            if column.isascii() and column.isdigit() and vote.strip():
                choice = CHOICE_OF_VOTE[_vote(row, column, notes) * agree]
                yield (participant, column), CHOICES.index(choice)


def voter_of(consultation: str, voter: str) -> bytes:
    """Return the pseudonym of a Polis voter within a consultation."""
    return _digest(consultation, "voter", voter)


def catalogue_events(export: PolisExport, consultation: str, language: str) -> list[Event]:
    """Describe the consultation and accept every comment as a proposal, hidden ones without text.
    """
    events = [_described(export, consultation, language)]
    for comment in export.comments:
        # What is said is part of the id: a text mended in the files is written as another event.
        event_id = _digest(export.name, "comment", consultation, language, comment.comment,
                           comment.body)
        events.append((event_id, comment.timestamp, codec.encode(
            "ProposalAccepted", event_id=event_id, consultation=consultation,
            proposal=comment.comment, text={language: comment.body} if comment.body else {},
            author=None, origin="import", occurred_at=comment.timestamp,
        )))
    return events


def vote_events(export: PolisExport, consultation: str) -> Iterator[tuple[bytes, Event]]:
    """Yield every row of votes.csv as its voter and the vote, in order, in version 1 always."""
    encode = hot.encoder("VoteCast", 1)
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
    topics = (_safe(export.summary.get(key, ""), QUESTION_BYTES_MOST)
              for key in ("topic", "conversation-description"))
    question = next(filter(None, topics), f"Polis conversation {export.name}")
    event_id = _digest(export.name, "summary", consultation, language, question)
    return event_id, opens_at, codec.encode(
        "ConsultationDescribed", event_id=event_id, consultation=consultation,
        question={language: _cut(question, QUESTION_BYTES_MOST)}, opens_at=opens_at, closes_at=None,
        time_zone="UTC", languages=[language], votes_target=None, hashtag=None,
        contact=_safe(export.summary.get("url", ""), CONTACT_BYTES_MOST) or None, stages=[],
        organisers=[], facts=[], shares_embargoed=False, origin="import", occurred_at=opens_at,
    )


Cast = tuple[int, int, str, str, int]
"""Number of the row, instant, comment, voter, value of the vote."""


def _votes(rows: Iterable[Row], notes: Notes, timestamps: Timestamps) -> list[Cast]:
    said: list[tuple[str, str, int]] = []
    names: dict[str, str] = {}
    for row in rows:
        timestamps.add(row)
        comment, voter = (_id(row, column, notes) for column in ("comment-id", "voter-id"))
        # One string for each name, however many votes there are.
        said.append((names.setdefault(comment, comment), names.setdefault(voter, voter),
                     _vote(row, "vote", notes)))
    return [(number, at, *vote) for number, (at, vote) in enumerate(
        zip(timestamps.instants(), said, strict=True), 1)]


def _comments(
    rows: Iterable[Row], notes: Notes, timestamps: Timestamps
) -> list[PolisComment]:
    lines: dict[str, tuple[int, tuple[str, str]]] = {}
    said: list[tuple[str, str, tuple[int, int]]] = []
    for row in rows:
        name = _id(row, "comment-id", notes)
        text = row.values["comment-body"], row.values["moderated"]
        first = lines.setdefault(name, (row.place.line, text))
        if first[0] == row.place.line:
            timestamps.add(row)
            said.append((name, _body(row, notes),
                         (_count(row, "agrees", notes), _count(row, "disagrees", notes))))
        elif first[1] == text:
            notes.add("comments that stand there twice with the same text are taken once",
                      row.place.line)
        else:
            raise row.place.wrong(
                "comment-id", f"{name} stands in line {first[0]} already, with another text or "
                              "moderation: which one was voted on cannot be told. Keep one of "
                              "the two rows.")
    return [PolisComment(at, *comment) for at, comment in zip(
        timestamps.instants(), said, strict=True)]


def _body(row: Row, notes: Notes) -> str:
    """Return the text of a comment as it is shown: empty where it is hidden."""
    line = row.place.line
    moderated = _number(row, "moderated", notes)
    if moderated not in (REJECTED, UNDECIDED, ACCEPTED):
        raise row.place.wrong("moderated", f"{moderated} is none of -1 (rejected), 0 (not looked "
                                           "at) and 1 (accepted). Mend the row.")
    if moderated == REJECTED:
        notes.add("comments that were rejected are hidden: their texts are not taken, votes on "
                  "them are", line)
        return ""
    if moderated == UNDECIDED:
        notes.add("comments that nobody moderated are shown", line)
    given = row.values["comment-body"]
    safe = _safe(given, TEXT_BYTES_MOST)
    if len(given.encode()) > TEXT_BYTES_MOST:
        notes.add(f"texts of more than {TEXT_BYTES_MOST:,} bytes are cut", line)
    if _is_twice_encoded(safe):
        notes.add("letters look like UTF-8 that was read as Windows-1252 and saved again: shown as "
                  "they stand", line)
    if not safe:
        notes.add("comments in which nothing can be seen are hidden, votes on them are taken", line)
    elif fault(normalised(_cut(given, TEXT_BYTES_MOST))):
        notes.add("characters are taken out of texts: control characters and those that turn the "
                  "order of a text", line)
    return safe


def _is_twice_encoded(text: str) -> bool:
    """Tell whether each letter beyond ASCII is a byte of another letter's UTF-8."""
    try:
        return not text.isascii() and bool(text.encode("cp1252").decode())
    except UnicodeError:
        return False


def _agree(
    asked: int | None, declared: Declared, cast: Sequence[Cast],
    comments: Sequence[PolisComment], notes: Notes,
) -> int:
    rows = Counter((comment, value) for _, _, comment, _, value in cast)
    claimed = ((comment.comment, comment.claimed) for comment in comments)
    found: Fit = fit(claimed, rows)
    has_signs = any(value for _, _, _, _, value in cast)
    return sign(asked, declared, found, has_signs=has_signs, notes=notes)


def _note_votes(
    cast: Sequence[Cast], comments: Sequence[PolisComment], about_comments: Notes, notes: Notes
) -> None:
    """Say what is particular about votes: on hidden or unknown comments, in no certain order."""
    on = Counter(comment for _, _, comment, _, _ in cast)
    hidden = sum(on[comment.comment] for comment in comments if not comment.body)
    if hidden:
        about_comments.add(f"{_votes_are(hidden)} on hidden comments: taken, and counted")
    unknown = [name for name in on if name not in {comment.comment for comment in comments}]
    if unknown:
        votes = sum(on[name] for name in unknown)
        named = ", ".join(unknown[:IDS_SHOWN_MOST])
        more = ", ..." if len(unknown) > IDS_SHOWN_MOST else ""
        notes.add(f"{_votes_are(votes)} on comments that comments.csv does not hold ({named}{more}"
                  "): taken, and counted for a proposal without a text")
    values: dict[tuple[int, str, str], int] = {}
    undecided = sum(
        values.setdefault((at, comment, voter), value) != value
        for _, at, comment, voter, value in cast)
    if undecided:
        notes.add(f"{_votes_are(undecided)} of the same instant as another vote of the same voter "
                  "on the same comment: the order of the rows decides")


def _note_summary(
    declared: Declared, cast: Sequence[Cast], comments: Sequence[PolisComment], notes: Notes
) -> None:
    """Say where the summary counts otherwise: rows may be missing."""
    for key, held, what in (
            ("voters", len({voter for _, _, _, voter, _ in cast}), "votes.csv has votes of"),
            ("comments", len(comments), "comments.csv holds")):
        said = declared.summary.get(key, "").strip()
        if said.isascii() and said.isdigit() and said != str(held):
            notes.add(f"says {shown(said)} {key}, {what} {held:,}: is the export whole?")


def _votes_are(count: int) -> str:
    return "1 vote is" if count == 1 else f"{count:,} votes are"


def _vote(row: Row, column: str, notes: Notes) -> int:
    value = _number(row, column, notes)
    if value not in CHOICE_OF_VOTE:
        raise row.place.wrong(column, f"{shown(row.values[column])} is none of 1, -1 (agree and "
                                      "disagree) and 0 (pass). Mend the row.")
    return value


def _count(row: Row, column: str, notes: Notes) -> int:
    value = _number(row, column, notes)
    if value < 0:
        raise row.place.wrong(column, f"{value} is no count. Mend the row.")
    return value


def _id(row: Row, column: str, notes: Notes) -> str:
    value = _number(row, column, notes)
    if value < 0:
        raise row.place.wrong(column, f"{value} is no number of Polis: they begin at 0. Mend the "
                                      "row.")
    return str(value)


def _number(row: Row, column: str, notes: Notes) -> int:
    try:
        return whole_number(row.values[column], notes, row.place.line)
    except ValueError as error:
        raise row.place.wrong(column, str(error)) from error


def _cut(text: str, size_bytes: int) -> str:
    """Shorten a text to so many bytes of UTF-8, at a whole character."""
    return text.encode()[:size_bytes].decode(errors="ignore")


def _safe(text: str, size_bytes: int) -> str:
    """Return what of a text can be shown in so many bytes."""
    safe = made_safe(_cut(text, size_bytes))
    # The composed form of a few letters is longer; of what is composed already it is not.
    return safe if len(safe.encode()) <= size_bytes else made_safe(_cut(safe, size_bytes))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()[:ID_BYTES]
