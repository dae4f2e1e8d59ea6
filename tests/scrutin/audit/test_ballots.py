"""Live votes of an export: read back from the ballot box, in whichever version they lie there."""

import pytest

from processors.ledger.ledger import Ledger
from processors.ledger.standing import fields as standing_of
from schemas import codec
from schemas.registry import current, versions
from scrutin.audit.ballots import Folder
from tests.processors.ledger import logs
from views.open_data import Cast


@pytest.mark.parametrize("rules", [1, 2])
@pytest.mark.parametrize("version", [schema.version for schema in versions("VoteCast")])
def test_votes_of_every_version_are_read_under_all_rules(rules: int, version: int) -> None:
    """Each with the votes that made it, whoever wrote them and whatever decides them."""
    _, adopted = codec.decode(logs.adopted())
    folder = Folder(Ledger(logs.PARTITION, logs.PARTITIONS), logs.CONSULTATIONS[0])
    folder.fold(0, codec.encode_as(
        current("RulesAdopted", rules), **{**adopted, "ledger_version": rules}))
    for offset, choice in enumerate(("agree", "neutral"), 1):
        _, fields = codec.decode(logs.vote(offset, choice, occurred_at=offset, origin="import"))
        folder.fold(offset, codec.encode_as(versions("VoteCast")[version - 1], **fields))
    [ballot] = folder.cells.values()

    assert (ballot.voter, ballot.proposal) == (logs.voter(0), logs.PROPOSALS[0])
    assert (standing_of(ballot.situation) or {})["choice"] == "neutral"
    assert ballot.casts == [Cast(1, 0, public=True), Cast(2, 2, public=True)]
