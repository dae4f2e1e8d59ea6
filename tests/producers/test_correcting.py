"""What a correction may say; that it is written once, tests/producers/test_operations.py shows."""

import pytest

from producers.correcting import Wanted, said
from producers.errors import InvalidInput


NOW = 1_650_000_000_000


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
