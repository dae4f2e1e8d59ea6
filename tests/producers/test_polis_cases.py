"""Small exports that were read wrongly once, each after a report about a system like ours."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.errors import InvalidInput
from producers.polis import PolisExport, catalogue_events, read_export
from schemas import codec
from schemas.words import CHOICES
from scrutin.main import main


CASES = Path(__file__).parent / "cases"
READ = {
    "polis-2024-columns": (
        "column 'is-meta' is not read", "timestamps are taken for seconds",
        "timestamps are taken for milliseconds"),
    "polis-bg2050-shape": (
        "column 'group-informed-consensus' is not read", "line 5: comments that were rejected"),
    "polis-bom": ("agree is 1, as summary.csv declares",),
    "polis-importance": ("column 'important' is not read", "column 'importance' is not read"),
    "polis-moderated": (
        "line 3 (and 1 more): comments that were rejected are hidden",
        "line 4: comments that nobody moderated are shown", "1 vote is on hidden comments"),
    "polis-seconds": ("timestamps are taken for seconds",),
}
"""Cases that are read, and what is said of each."""
REFUSED = {
    "polis-duplicate-ids": ("comments.csv, line 4, column comment-id", "line 2", "Keep one"),
    "polis-raw-sign": ("votes.csv", "--agree-is -1"),
    "polis-summary-semicolon": (
        "summary.csv declares that agree is -1", "comments.csv", "--agree-is"),
}
"""Cases that are refused, and what the message says."""


def test_every_case_has_its_test() -> None:
    """No folder of the cases is forgotten."""
    found = {path.name for path in CASES.iterdir() if path.name.startswith("polis-")}

    assert found == {*READ, *REFUSED}


@pytest.mark.parametrize("name", READ)
def test_a_case_is_read_and_says_what_it_assumed(name: str) -> None:
    """Votes are of September 2024, agreement is agreement, every assumption is a sentence."""
    export = read_export(CASES / name)
    said = "\n".join(export.assumed)

    assert [sentence for sentence in READ[name] if sentence not in said] == []
    assert {datetime.fromtimestamp(vote.timestamp / 1_000, UTC).strftime("%Y-%m")
            for vote in export.votes} == {"2024-09"}
    assert {comment.timestamp // 86_400_000 for comment in export.comments} == {19_986}
    assert choices_of(export, export.comments[0].comment) in (
        ["agree", "disagree"], ["neutral", "agree"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_that_leaves_something_open_is_refused_with_the_remedy(name: str) -> None:
    """The message names the file and what the operator can do."""
    with pytest.raises(InvalidInput) as refused:
        read_export(CASES / name)

    assert [words for words in REFUSED[name] if words not in str(refused.value)] == []


def test_the_operators_word_opens_what_was_left_open() -> None:
    """Said to be stored signs, votes are turned round; said to be exported ones, they are not."""
    turned = read_export(CASES / "polis-raw-sign", agree_is=-1)
    kept = read_export(CASES / "polis-summary-semicolon", agree_is=1)

    assert choices_of(turned, "0") == choices_of(kept, "0") == ["agree", "disagree"]
    assert choices_of(turned, "1") == choices_of(kept, "1") == ["agree"]
    assert any("Every vote is turned round" in sentence for sentence in turned.assumed)


def test_rejected_and_empty_comments_are_hidden_and_their_votes_are_kept() -> None:
    """Their texts never reach the log; the proposal is there without one."""
    export = read_export(CASES / "polis-moderated")
    written = [codec.decode(value) for _, _, value in catalogue_events(export, "set", "en")]
    texts = {fields["proposal"]: fields["text"] for event, fields in written
             if event == "ProposalAccepted"}

    assert texts == {"0": {"en": "First, with a comma"}, "1": {}, "2": {"en": "Not yet moderated"},
                     "3": {}}
    assert export.hidden == {"1", "3"}
    assert choices_of(export, "1") == ["agree"]


def choices_of(export: PolisExport, comment: str) -> list[str]:
    """Return the votes on a comment in order."""
    return [CHOICES[vote.choice] for vote in export.votes if vote.comment == comment]


def test_the_command_says_every_assumption_and_checks_without_a_broker(
    capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` reads and says; it writes nothing and needs nothing."""
    with pytest.raises(SystemExit) as end:
        main(["import", "polis", "--check", str(CASES / "polis-moderated")])
    said = capsys.readouterr()
    document = json.loads(said.out)

    assert end.value.code == 0
    assert (document["votes"], document["proposals"], document["hidden"]) == (3, 4, 2)
    assert said.err.splitlines()[:-1] == document["assumed"]


@pytest.mark.parametrize("arguments", [
    ("polis-raw-sign",), ("polis-seconds", "--agree-is", "2"),
    ("polis-seconds", "--language", "x y"), ("polis-seconds", "--consultation", "A B")])
def test_the_command_ends_with_two_where_it_must_ask(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence on the other channel, nothing on stdout."""
    with pytest.raises(SystemExit) as end:
        main(["import", "polis", "--check", str(CASES / arguments[0]), *arguments[1:]])
    said = capsys.readouterr()

    assert (end.value.code, said.out) == (2, "")
    assert said.err.startswith("scrutin: ")
