"""What a correction may say; that it is written once, tests/producers/test_operations.py shows."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.correcting import Wanted, said
from producers.errors import InvalidInput
from scrutin.addresses import StackNotRunning
from scrutin.main import application


NOW = 1_650_000_000_000


@pytest.mark.parametrize("arguments", [
    ["p1"], [], ["p1", "--text", "fr=x", "--closes-at", "none"], ["--opens-at", "tomorrow"],
    ["p1", "--idea", "i1", "--text", "x"]])
def test_what_is_not_said_rightly_is_usage_though_nobody_can_be_asked(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, before Kafka is looked for: 3 would send people to look at the broker."""
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(
        application("correct"), ["correct", *arguments, "--reason", "because"])
    rightly = CliRunner().invoke(
        application("correct"), ["correct", "p1", "--text", "x", "--reason", "because"])

    assert done.exit_code == 2, done.output
    assert isinstance(rightly.exception, StackNotRunning), "what is said rightly is asked for"


@pytest.mark.parametrize(("event", "wanted"), [
    ("ProposalAccepted", Wanted()), ("ProposalAccepted", Wanted(("fr= ",))),
    ("ProposalAccepted", Wanted(("x" * 3_000,))),
    ("ProposalAccepted", Wanted(("fr=Oui",), time_zone="UTC")),
    ("ConsultationDescribed", Wanted(time_zone="Mars/Olympus")),
    ("ConsultationDescribed", Wanted(closes_at="2022-01-01T00:00:00Z")),
    ("ConsultationDescribed", Wanted(opens_at="tomorrow"))])
def test_what_cannot_be_said_is_no_correction(event: str, wanted: Wanted) -> None:
    """The rules of consultation files hold; a sentence says which was broken."""
    known = {"question": {"fr": "?"}, "text": {"fr": "Oui"}, "opens_at": NOW, "closes_at": None,
             "time_zone": "UTC"}
    with pytest.raises(InvalidInput):
        said(event, known, wanted)
