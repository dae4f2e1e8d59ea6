"""What a log begins with is decided by the rules that it names, of whichever version."""

import pytest

from processors.ledger.ledger import Ledger
from processors.ledger.rules import VERSIONS
from schemas.control_roles import public_key
from schemas.genesis import NEWEST_RULES, Genesis, genesis_of
from schemas.registry import FIRST_RULES
from schemas.topics import Topics


KEYS = (public_key("operator", bytes(range(32))),)


@pytest.mark.parametrize("rules", VERSIONS)
def test_a_log_begins_under_the_rules_it_names(rules: int) -> None:
    """The ledger follows them, with their keys; whoever reads the record finds both again."""
    ledger = Ledger(1, 2)
    begun = Genesis(rules, () if rules == FIRST_RULES else KEYS)
    record = begun.record(Topics("any", 2), 1, 0)
    ledger.decide(0, record)

    assert (ledger.ledger_version, len(ledger.keys)) == (rules, len(begun.keys))
    assert genesis_of(record) == begun


def test_the_rules_that_are_known_can_be_adopted() -> None:
    """New logs begin under the last of them, and the command takes it; later ones are refused."""
    assert max(VERSIONS) == NEWEST_RULES
