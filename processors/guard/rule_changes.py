"""The guard's rules as the catalogue has them: those in force, and every change. Pure."""

from collections import deque
from typing import Any

from processors.guard.parameters import MODES, NAMES, Rules
from processors.guard.published import instant
from schemas.corrections import ACTS, RULE_CHANGED
from schemas.finding_acts import Acts


CHANGES_MOST = 1_000
"""The last changes of all consultations that are told; the catalogue has all."""
CHANGE_BYTES = 4_096
"""What one of them takes, at most."""

Block = dict[str, Any]


class RuleChanges:
    """Folds the catalogue, record by record."""

    def __init__(self) -> None:
        self.rules = Rules.of_code()
        self.acts = Acts()
        """What people decided about findings."""
        self._changes: deque[tuple[str | None, Block]] = deque(maxlen=CHANGES_MOST)

    def follow(self, offset: int, event: str, fields: dict[str, Any], value: bytes | None) -> None:
        """Take the next record of the catalogue, whatever it is."""
        if event in ACTS and self.rules.authority.takes(event, fields, value):
            self.acts.take(event, fields, offset)
        if not self.rules.follow(event, fields, value) or event != RULE_CHANGED:
            return
        self._changes.append((fields["consultation"], {
            "at": instant(fields["occurred_at"]), "catalogue": offset,
            "rule": NAMES[fields["rule"]], "version": fields["version"], "mode": fields["mode"],
            "everywhere": fields["consultation"] is None,
            "parameters": {each["name"]: each["value"] for each in fields["parameters"]},
            "reason": fields["reason"]}))

    def of(self, consultation: str) -> list[Block]:
        """Return the changes that concern a consultation, the last first."""
        return [change for place, change in reversed(self._changes)
                if place in (None, consultation)]

    def in_force(self, consultation: str) -> list[Block]:
        """Return every rule as it is in force for a consultation."""
        found = [self.rules.of(consultation, number) for number in NAMES]
        return [{"rule": NAMES[rule.rule], "number": rule.rule, "version": rule.version,
                 "mode": MODES[rule.mode], "parameters": dict(rule.parameters)} for rule in found]
