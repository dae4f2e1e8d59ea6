"""What is told of the rules is what the patrol goes by."""

from processors.guard.parameters import MODES, NAMES, Rules
from processors.guard.rule_changes import RuleChanges


def test_rules_that_nobody_changed_are_told_as_they_judge() -> None:
    """Their newest versions, with its numbers: the patrol begins with the same."""
    judging = Rules.of_code()
    expected = [(judging.of("town", number).version, MODES[judging.of("town", number).mode],
                 dict(judging.of("town", number).parameters)) for number in NAMES]
    told = [(each["version"], each["mode"], each["parameters"])
            for each in RuleChanges().in_force("town")]

    assert told == expected
