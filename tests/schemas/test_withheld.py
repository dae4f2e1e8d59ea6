"""Records without their words keep the form whose digest stands in the log for ever."""

import pytest

from schemas import codec
from schemas.withheld import digest_in


ACCEPTED = codec.encode(
    "ProposalAccepted", event_id=b"accepted".ljust(16), consultation="jeunes", proposal="p1",
    text={"fr": "Un métier"}, author={"name": "A", "kind": "citizen", "age_band": None},
    origin="operator", occurred_at=1_650_000_000_000)


def test_the_digest_of_a_record_without_words_is_what_it_always_was() -> None:
    """Retirements on record commit to it."""
    found = digest_in(ACCEPTED, "jeunes", "p1")

    assert found is not None
    assert found.hex() == "c9d204c680c75a687dfe3596c5c76f9d7551106c869cfbcc56824aff15b31db8"


@pytest.mark.parametrize(("value", "consultation", "proposal"), [
    (ACCEPTED, "jeunes", "p2"), (ACCEPTED, "other", "p1"), (None, "jeunes", "p1"),
    (b"no event", "jeunes", "p1"), (b"\0\0\0\x03\xe7later", "jeunes", "p1")])
def test_what_holds_no_words_of_a_proposal_has_none(
    value: bytes | None, consultation: str, proposal: str
) -> None:
    """Another one's, another consultation's, and what nobody can read."""
    assert digest_in(value, consultation, proposal) is None
