"""The results as files to take away: tables in CSV, and all of them in one ZIP. Pure.

Theory of operation: every table has its columns written down once, with their meaning, and the
dictionary in the ZIP is made from the same list, so that no column goes unexplained. Shares and
intervals stand beside the counts they follow from: whoever doubts a percentage divides. A document
under embargo holds no such counts, and its cells stay empty. No text becomes a formula: `cells`.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from schemas.words import CHOICES, COUNTS, QUALIFICATIONS
from views import route_columns
from views.cells import Column, guarded
from views.days import Told
from views.pages.languages import in_language
from views.workbook import workbook


LICENCE = "etalab-2.0"
"""SPDX identifier of Licence Ouverte 2.0: French administrations may choose it or the ODbL."""

LICENCE_ADDRESS = "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"

MOMENT = (1980, 1, 1, 0, 0, 0)
"""Times in the ZIP: the same results are the same bytes."""

COMPRESSION_LEVEL = 6

Entry = Mapping[str, Any]


def _words(name: str, place: int) -> Callable[[Entry], Any]:
    """Return the text of an entry (place 0) or the language it is in (place 1)."""
    def cell(entry: Entry) -> Any:
        texts = entry[name]
        return in_language(texts, (*texts,)[0])[place] if texts else None
    return cell


def _author(name: str) -> Callable[[Entry], Any]:
    return lambda entry: (entry["author"] or {}).get(name)


def _count(name: str) -> Callable[[Entry], Any]:
    if name in CHOICES:
        return lambda entry: entry["counted"].get(name)
    if name in QUALIFICATIONS:
        return lambda entry: entry["counted"].get("qualifications", {}).get(name)
    for kind in ("set_aside", "refused"):
        if name.startswith(f"{kind}_"):
            reason = name.removeprefix(f"{kind}_")
            return lambda entry: entry[kind][reason]
    return lambda entry: entry[name]


def _nested(*path: str | int) -> Callable[[Entry], Any]:
    def cell(entry: Entry) -> Any:
        found: Any = entry
        for step in path:
            if not found or (isinstance(step, str) and step not in found):
                return None
            found = found[step]
        return found
    return cell


COUNT_MEANINGS = {
    "received": "votes received, whatever became of them",
    **{name: f"counted votes that choose {name}" for name in CHOICES},
    **{name: f"counted votes qualified {name}" for name in QUALIFICATIONS},
    "set_aside_unproven": "kept and not counted: nothing shows that the voter saw the proposal",
    "set_aside_suspended": "kept and not counted: the voter is suspended",
    "superseded": "replaced by another choice of the same voter",
    "withdrawn": "taken back by the voter",
    "unchanged": "the same choice again",
    "repeated": "delivered again",
    "proven": "showed that a vote set aside was genuine, and made it count",
    "late": "came after the closing",
    "refused_misplaced": "refused: in a partition that is not its voter's",
    "refused_unproven_change": "refused: an unproven vote cannot touch a proven one",
    "refused_too_many": "refused: the voter holds the greatest number of votes",
}

_FIGURES = [
    Column("votes", "counted votes: agree + disagree + neutral; every share is of these",
           _nested("counted", "votes")),
    *(Column(name, COUNT_MEANINGS[name], _count(name)) for name in COUNTS),
    *(Column(f"share_{name}", f"{name} / votes, rounded half up to six digits",
             _nested("shares", name)) for name in (*CHOICES, *QUALIFICATIONS)),
    *(Column(f"{name}_{end}", f"{end} end of the Wilson interval at 95 % of share_{name}",
             _nested("intervals", name, place))
      for name in CHOICES for place, end in enumerate(("low", "high"))),
    *(Column(f"score_{name}", f"{name} of the scores version named in metadata.json",
             _nested("scores", name, "value"))
      for name in ("top", "controversy", "rejection", "engagement")),
    Column("score_top_margin", "half width of the interval of score_top",
           _nested("scores", "top", "margin")),
    Column("zone", "consensus, controversy, rejection or limbo", _nested("zone")),
    *(Column(f"rank_{name}", meaning, _nested("rank", name)) for name, meaning in (
        ("position", "place by the lower bound of score_top, among entries with 100 votes"),
        ("best", "best place the intervals allow"), ("worst", "worst place they allow"))),
]

PROPOSALS = [
    Column("id", "identifier of the proposal", lambda entry: entry["id"]),
    Column("idea", "identifier of its idea; see ideas.csv", lambda entry: entry["idea"]),
    Column("text", "the proposal as it was put to the vote", _words("text", 0)),
    Column("language", "language of the text", _words("text", 1)),
    Column("text_sha256", "SHA-256 of its words, hidden or not (results.schema.json says of what)",
           lambda entry: entry["text_sha256"]),
    Column("corrections", "how often its words changed; see corrections.csv",
           lambda entry: len(entry["corrections"])),
    Column("retired", "since when it is not voted on any more; its votes count",
           _nested("retired", "at")),
    Column("retired_reason", "why", _nested("retired", "reason")),
    Column("text_hidden", "1 where its words are hidden",
           lambda entry: int(bool(entry["retired"] and entry["retired"]["text_hidden"]))),
    Column("author", "who proposed it, as the catalogue names them", _author("name")),
    Column("author_kind", "citizen or organisation", _author("kind")),
    Column("author_age_band", "age band that a citizen told", _author("age_band")),
    *_FIGURES,
]

IDEAS = [
    Column("id", "identifier of the idea", lambda entry: entry["id"]),
    Column("theme", "identifier of its theme", lambda entry: entry["theme"]),
    Column("title", "title of the idea", _words("title", 0)),
    Column("language", "language of the title", _words("title", 1)),
    Column("proposals", "proposals grouped in it; their votes are pooled", _nested("proposals")),
    Column("retired_proposals", "of them those that are not voted on any more; their votes count",
           lambda entry: entry["retired_proposals"]),
    *_FIGURES,
]

PARTICIPATION = [
    Column("described_by", "gender, age_band or region", lambda cell: cell[0]),
    Column("value", "an answer that can be given", lambda cell: cell[1]),
    Column("descriptions", "published descriptions with it; empty where the table is withheld: "
           "one of its answers has fewer than 10, or nothing is published before 50 people",
           lambda cell: cell[2]),
]

DAYS = [
    Column("day", "day in the consultation's time zone, by the clock of who wrote the vote",
           lambda cell: cell[0]),
    Column("received", "votes received that day, as the archive told", lambda cell: cell[1]),
]


MAPPING = [
    Column("proposal", "identifier of a proposal that is grouped", lambda cell: cell[0]),
    Column("idea", "its idea: the idea's counts are the sums over its proposals",
           lambda cell: cell[1]),
    Column("theme", "the idea's theme", lambda cell: cell[2]),
]

CORRECTIONS = [
    Column("subject", "proposal, consultation, theme or idea", lambda change: change["subject"]),
    Column("id", "identifier of the proposal, theme or idea", lambda change: change["id"]),
    Column("field", "what was changed, the language behind a dot", lambda change: change["field"]),
    Column("at", "when", lambda change: change["at"]),
    Column("catalogue", "its record in the catalogue", lambda change: change["catalogue"]),
    Column("reason", "why; empty where a description that came again said otherwise",
           lambda change: change["reason"]),
    Column("before", "what stood there; empty too where words are hidden",
           lambda change: change["before"]),
    Column("after", "what stands there from then on; empty too where words are hidden",
           lambda change: change["after"]),
    Column("before_sha256", "SHA-256 of a proposal's words before, in all languages",
           lambda change: change["before_sha256"]),
    Column("after_sha256", "and of those after it", lambda change: change["after_sha256"]),
    Column("votes", "votes cast before: of a proposal on the words before, else in the whole "
           "consultation; empty where nobody counted", lambda change: change["votes"]),
    Column("after_closing", "1 where it came after the closing",
           lambda change: int(change["after_closing"])),
]

WITHHELD = [
    Column("file", "where it would stand", lambda cell: cell[0]),
    Column("withheld", "what is not there", lambda cell: cell[1]),
    Column("reason", "why", lambda cell: cell[2]),
]

VOTES = [
    Column("proposal", "identifier of the proposal", lambda vote: vote.proposal),
    Column("vote", "name of this vote in this file alone: two votes of one voter have nothing in "
           "common, here or in another export", lambda vote: vote.name),
    Column("choice", "agree, disagree or neutral", lambda vote: vote.choice),
    Column("qualifications", "qualifications of the choice, with spaces between",
           lambda vote: " ".join(vote.qualifications)),
    Column("set_aside", "why it does not count; empty for a counted vote",
           lambda vote: vote.set_aside),
    Column("day", "day of the voter's last cast on the proposal, in the consultation's time zone",
           lambda vote: vote.day),
]


def table(columns: list[Column], rows: Iterable[Any]) -> bytes:
    """Write a table as CSV: UTF-8, commas, a header of column names, lines ended as RFC 4180 says.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([column.name for column in columns])
    cells = [column.cell for column in columns]
    writer.writerows([guarded(cell(entry)) for cell in cells] for entry in rows)
    return text.getvalue().encode()


def proposals_csv(document: Entry) -> bytes:
    return table(_of_proposals(document), document["proposals"])


def ideas_csv(document: Entry) -> bytes:
    return table(_of_ideas(document), document["ideas"])


def _of_proposals(document: Entry) -> list[Column]:
    return [*PROPOSALS, *route_columns.columns(document)]


def _of_ideas(document: Entry) -> list[Column]:
    return [*IDEAS, *route_columns.columns(document)]


def whole_zip(document: Entry, published_at: int | None, told: Told | None, body: bytes) -> bytes:
    """Put everything into one file; `body` is the results document as JSON."""
    return packed(files(document, published_at, told, body))


def packed(files: Mapping[str, bytes]) -> bytes:
    """Put files into a ZIP: the same files are the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        for name, content in sorted(files.items()):
            into.writestr(zipfile.ZipInfo(name, MOMENT), content, zipfile.ZIP_DEFLATED,
                          COMPRESSION_LEVEL)
    return archive.getvalue()


def tables(
    document: Entry, told: Told | None, votes: Iterable[Any] | None = None
) -> dict[str, tuple[list[Column], Iterable[Any]]]:
    """Arrange every table, as columns and rows; the votes one by one where they are given."""
    participation = document["participation"]
    answers = [(name, cell["value"], cell["count"])
               for name in ("gender", "age_band", "region") for cell in participation[name]]
    themes = {idea["id"]: idea["theme"] for idea in document["ideas"]}
    made: dict[str, tuple[list[Column], Iterable[Any]]] = {
        "proposals": (_of_proposals(document), document["proposals"]),
        "ideas": (_of_ideas(document), document["ideas"]),
        "mapping": (MAPPING, [
            (entry["id"], entry["idea"], themes.get(entry["idea"]))
            for entry in document["proposals"] if entry["idea"] is not None]),
        "corrections": (CORRECTIONS, _corrections(document)),
        "participation": (PARTICIPATION, answers),
        "withheld": (WITHHELD, [
            *_withheld_descriptions(participation, answers),
            *_withheld_votes(one_by_one=votes is not None)]),
    }
    if told:
        made["days"] = (DAYS, sorted(told.days.items()))
    if votes is not None:
        made["votes"] = (VOTES, votes)
    return made


def files(
    document: Entry, published_at: int | None, told: Told | None, body: bytes,
    votes: Iterable[Any] | None = None,
) -> dict[str, bytes]:
    """Make every file to take away; with the votes, one by one, where they are given."""
    made = {
        "results.json": body,
        "results.xlsx": workbook(tables(document, told)),
        **{f"{name}.csv": table(*each) for name, each in tables(document, told, votes).items()},
        "README.md": readme(document).encode(),
    }
    metadata = _metadata(document, published_at, made)
    made["metadata.json"] = json.dumps(metadata, ensure_ascii=False, indent=1).encode()
    return made


def results_xlsx(document: Entry, told: Told | None) -> bytes:
    return workbook(tables(document, told))


def _corrections(document: Entry) -> list[dict[str, Any]]:
    """List every change of words and dates, a field a row, in the log's order."""
    found = [{**each, **change, "before_sha256": None, "after_sha256": None}
             for each in document["corrections"] for change in each["changes"]]
    for entry in document["proposals"]:
        for each in entry["corrections"]:
            before, after = each["before"], each["after"]
            languages = [""] if before is None else sorted({*before, *after})
            found += [
                {**each, "subject": "proposal", "id": entry["id"],
                 "field": f"text.{language}".rstrip("."),
                 "before": (before or {}).get(language), "after": (after or {}).get(language)}
                for language in languages
                if before is None or before.get(language) != after.get(language)]
    return sorted(found, key=lambda change: int(change["catalogue"]))


def _withheld_descriptions(
    participation: Entry, answers: Iterable[tuple[str, str, int | None]]
) -> Iterator[tuple[str, str, str]]:
    """List what the files leave out of descriptions, to protect people."""
    in_stretches = "unpublished" in participation
    reason = ("an answer of its table has fewer than 10 descriptions, or had when people last "
              "doubled; or nothing is published, before 50 people" if in_stretches else
              "under 10 descriptions, or the smallest beside the only one that is")
    yield from (("participation.csv", f"{name}: {value}", reason)
                for name, value, count in answers if count is None)
    if participation.get("unpublished"):
        yield ("participation.csv", f"{participation['unpublished']} descriptions",
               "they are of too few people: 50 are published at first, then 20 together or more")
    yield ("participation.csv", "who described themselves how",
           "descriptions cannot be joined to votes")


def _withheld_votes(*, one_by_one: bool) -> list[tuple[str, str, str]]:
    """List what the files leave out of votes, to protect people."""
    if not one_by_one:
        return [("votes.csv", "votes one by one", "the export was made without --votes")]
    return [("votes.csv", "times within the day", "a time can tell who voted"),
            ("votes.csv", "which votes are of one voter",
             "a row of forty opinions can tell who holds them"),
            ("votes.csv", "votes replaced, withdrawn, late or refused",
             "they do not stand; proposals.csv counts them")]


def _metadata(
    document: Entry, published_at: int | None, files: Mapping[str, bytes]
) -> dict[str, Any]:
    return {
        "consultation": document["consultation"]["id"],
        "question": document["consultation"]["question"],
        "state": document["state"], "as_of": document["as_of"], "computed_at": published_at,
        "format": document["format"], "scores_version": document["scores_version"],
        "rules_version": document["rules_version"],
        "embargoed_until": document.get("embargoed_until"),
        "licence": LICENCE, "licence_address": LICENCE_ADDRESS,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }


def readme(document: Entry) -> str:
    """Write the data dictionary."""
    name = document["consultation"]["id"]
    tables = (("proposals.csv", _of_proposals(document)), ("ideas.csv", _of_ideas(document)),
              ("mapping.csv", MAPPING), ("corrections.csv", CORRECTIONS),
              ("participation.csv", PARTICIPATION),
              ("withheld.csv", WITHHELD), ("days.csv", DAYS), ("votes.csv", VOTES))
    lines = [
        f"# Results of the consultation {name}", "",
        f"Licence: Licence Ouverte / Open Licence 2.0 ({LICENCE}), {LICENCE_ADDRESS}.",
        f"Reuse is free; name the source (consultation {name}) and the date (metadata.json).", "",
        "* `results.json`: the results document, every number of it.",
        "* `results.xlsx`: the tables below but votes.csv, for a spreadsheet.",
        "* `metadata.json`: what the files hold: state, positions of the logs (`as_of`), time of",
        "  the computation (`computed_at`, milliseconds since 1970, UTC), versions, and a SHA-256",
        "  of each file.", "",
        "Check: `scrutin audit recount` recomputes these numbers from the log. By hand: each",
        "`share_x` is `x / votes`, and `received` is the sum of the three choices and of every",
        "column from `set_aside_unproven` to `refused_too_many`. The counts of an idea are the",
        "sums over its proposals (mapping.csv). Where votes.csv is there, its rows without",
        "`set_aside` are the counted votes of each proposal.", "",
        "CSV: UTF-8, commas, one header line. A cell is empty where there is no such number, or",
        "where the consultation hides it until voting has closed. An apostrophe stands wherever",
        "a spreadsheet might take what follows for a formula; results.json has the texts as they",
        "are.",
        "`days.csv` is there if the archive answered, `votes.csv` only in an export that was asked",
        "for it (`scrutin export --votes`). A spreadsheet that is set to French opens these files",
        "as one column: take `results.xlsx`, which has the same tables, or import with the comma.",
    ]
    for file, columns in tables:
        lines += ["", f"## {file}", "", "| column | meaning |", "| --- | --- |",
                  *(f"| `{column.name}` | {column.meaning} |" for column in columns)]
    return "\n".join(lines) + "\n"
