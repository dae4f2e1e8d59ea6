"""A consultation as a Polis export, format `polis-export/1`. Pure.

Theory of operation: votes.csv holds every cast that stands or stood for a vote that counts, so its
last row of a cell is the current vote, and participant-votes.csv and the counts of comments.csv
follow from it. A voter is a number that is drawn for one export: the format needs all votes of a
voter under one name, which makes it riskier than `views.open_data`. Times are days, save of votes
that were imported, whose times are public. Polis has no qualifications: they are left out, and so
are votes that are set aside.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from processors.ledger import standing
from schemas.moments import moment, zone_of
from views.open_data import Ballot, day_of
from views.pages.languages import in_language


FORMAT = "polis-export/1"
CONVENTION = f"agree=+1;disagree=-1;pass=0;format={FORMAT}"
VALUES = (1, -1, 0)
"""Of agree, disagree and neutral: Polis's pass."""
REJECTED = -1
"""Value of the column `moderated` of a proposal whose text is not shown."""
DOCUMENTED = "https://github.com/compdemocracy/polis/blob/edge/docs/export-format.md"

Shuffle = Callable[[list[bytes]], None]
Vote = tuple[int, int, str, int]
"""Shown time in milliseconds, voter's number, comment, value."""


def files(
    document: Mapping[str, Any], accepted: Mapping[str, Mapping[str, Any]],
    ballots: Sequence[Ballot], shuffle: Shuffle,
) -> dict[str, bytes]:
    """Make the files; `accepted` gives the ProposalAccepted of each proposal, `shuffle` chance."""
    counted = [ballot for ballot in ballots if not standing.set_aside_of(ballot.situation)]
    voters = sorted({ballot.voter for ballot in counted})
    shuffle(voters)
    numbers = {voter: number for number, voter in enumerate(voters)}
    comments = comment_numbers([entry["id"] for entry in document["proposals"]])
    votes = _votes(counted, numbers, comments, zone_of(document["consultation"]["time_zone"]))
    cells = {(number, comment): value for _, number, comment, value in votes}
    return {
        "votes.csv": _csv(
            ("timestamp", "datetime", "comment-id", "voter-id", "vote"),
            ((at, _datetime(at), comment, number, value) for at, number, comment, value in votes)),
        "participant-votes.csv": _participants(cells, len(voters), list(comments.values())),
        "comments.csv": _comments(document, accepted, comments),
        "comment-groups.csv": _groups(document, comments),
        "summary.csv": _summary(document, len(voters)),
        "format.json": _format(comments),
        "README.md": _README.encode(),
    }


def comment_numbers(proposals: Sequence[str]) -> dict[str, str]:
    """Return each proposal's comment number: its own where all have one, else its place."""
    if all(name.isascii() and name.isdigit() for name in proposals):
        return {name: name for name in proposals}
    return {name: str(place) for place, name in enumerate(proposals)}


def _votes(
    ballots: Iterable[Ballot], numbers: Mapping[bytes, int], comments: Mapping[str, str],
    zone: ZoneInfo,
) -> list[Vote]:
    found: list[Vote] = []
    for ballot in ballots:
        last = 0
        for cast in ballot.casts:
            shown = (cast.at if cast.public
                     else int(day_of(cast.at, zone).timestamp() * 1_000))
            # Clocks differ, the order of the log holds: a later cast is never shown as earlier.
            last = max(last, shown)
            found.append((last, numbers[ballot.voter], comments[ballot.proposal],
                          VALUES[cast.choice]))
    # The sort is stable: casts of one voter on one comment keep their order.
    return sorted(found, key=lambda vote: vote[:3])


def _participants(
    cells: Mapping[tuple[int, str], int], voters: int, comments: Sequence[str]
) -> bytes:
    def row(number: int) -> list[Any]:
        held = [cells.get((number, comment), "") for comment in comments]
        values = [value for value in held if value != ""]
        return [number, "", "", len(values), values.count(1), values.count(-1), *held]

    names = ("participant", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree")
    return _csv((*names, *comments), map(row, range(voters)))


def _comments(
    document: Mapping[str, Any], accepted: Mapping[str, Mapping[str, Any]],
    comments: Mapping[str, str],
) -> bytes:
    names = ("timestamp", "datetime", "comment-id", "author-id", "agrees", "disagrees",
             "moderated", "comment-body")
    rows = []
    for entry in document["proposals"]:
        at = accepted[entry["id"]]["occurred_at"] if entry["id"] in accepted else 0
        rows.append((at, _datetime(at), comments[entry["id"]], "", entry["counted"]["agree"],
                     entry["counted"]["disagree"], 1 if _body(entry) else REJECTED,
                     _body(entry)))
    return _csv(names, rows)


def _groups(document: Mapping[str, Any], comments: Mapping[str, str]) -> bytes:
    names = ("comment-id", "comment", "total-votes", "total-agrees", "total-disagrees",
             "total-passes")
    return _csv(names, (
        (comments[entry["id"]], _body(entry), *(
            entry["counted"][name] for name in ("votes", "agree", "disagree", "neutral")))
        for entry in document["proposals"]))


def _summary(document: Mapping[str, Any], voters: int) -> bytes:
    about = document["consultation"]
    question = about["question"]
    rows = (
        ("topic", in_language(question, min(question))[0] if question else about["id"]),
        ("url", about["contact"] or ""), ("voters", voters), ("voters-in-conv", voters),
        ("commenters", ""), ("comments", len(document["proposals"])), ("groups", ""),
        ("conversation-description", ""), ("vote-convention", CONVENTION),
    )
    return _csv(rows[0], rows[1:])


def _format(comments: Mapping[str, str]) -> bytes:
    return json.dumps({
        "format": FORMAT, "vote-convention": CONVENTION,
        "vote": {"agree": 1, "disagree": -1, "pass": 0},
        "files": {
            "votes.csv": {"vote": "vote"}, "participant-votes.csv": {"<comment-id>": "vote"},
            "comments.csv": {"agrees": "count", "disagrees": "count"},
            "summary.csv": {"vote-convention": "declaration"},
        },
        "docs": DOCUMENTED, "timestamp": "milliseconds since 1970",
        "proposals": {number: name for name, number in comments.items()},
    }, ensure_ascii=False, indent=1).encode()


def _body(entry: Mapping[str, Any]) -> str:
    return in_language(entry["text"], min(entry["text"]))[0] if entry["text"] else ""


def _datetime(milliseconds: int) -> str:
    return moment(milliseconds, zone_of("UTC")).strftime("%a %b %d %H:%M:%S UTC %Y")


def _csv(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


_README = f"""# Votes in the format {FORMAT}

[The format]({DOCUMENTED}); `format.json` declares it: agree 1, disagree -1, pass 0.

* `votes.csv`: every cast behind a vote that counts; the last of a voter and comment is current.
* `participant-votes.csv`: the current vote of each voter on each comment.
* `comments.csv`, `comment-groups.csv`: each voter counts once, with the current vote.
* `format.json` names the proposal of each comment-id.

Withheld, or not known:

* Voters are numbers drawn for this export; a second export has others. **All votes of a voter stand
  under one number: who knows some of a person's opinions may find the others.** Do not publish it
  without weighing that.
* Times are days, except of votes that were imported from public data.
* Votes set aside, withdrawn, late or refused; qualifications. The results count them.
* Texts that are not shown: `moderated` is -1 there, 1 elsewhere.
* author-id, group-id, n-comments, commenters, groups: empty, nobody recorded them.
* A cell may begin with a sign that a spreadsheet takes for a formula: read it with a program.
"""
