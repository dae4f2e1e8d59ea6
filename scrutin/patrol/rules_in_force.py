"""The rules of the guard as the catalogue has them, and changes of them as operators ask."""

from collections.abc import Sequence
from typing import Any

from processors.guard.parameters import (
    MODES,
    NAMES,
    NEWEST,
    BadParameter,
    Rule,
    Rules,
    changed,
    parameters_of,
)
from producers.errors import InvalidInput
from producers.known_catalogue import KnownCatalogue


NUMBERS = {name: number for number, name in NAMES.items()}


def in_force(known: KnownCatalogue) -> Rules:
    """Return the rules as the last changes have them; those not known here are left out."""
    rules = Rules.of_code()
    for (consultation, rule), fields in known.rule_changes.items():
        parameters = {each["name"]: each["value"] for each in fields["parameters"]}
        try:
            rules.changes[consultation, rule] = changed(
                rule, fields["version"], MODES.index(fields["mode"]), parameters)
        except BadParameter:
            continue
    return rules


def described(rule: Rule) -> dict[str, Any]:
    """Return a rule as plain values."""
    return {"rule": NAMES[rule.rule], "version": rule.version, "mode": MODES[rule.mode],
            "parameters": dict(rule.parameters)}


def asked(name: str, mode: str, numbers: Sequence[str]) -> tuple[Rule, dict[str, int]]:
    """Check a change that an operator asks for; return the rule it makes and the numbers given.

    Raises InvalidInput, which says what there is.
    """
    number = NUMBERS.get(name)
    if number is None:
        raise InvalidInput(f"there is no rule {name!r}: the guard has {', '.join(NUMBERS)}.")
    given = dict(_number(name, text) for text in numbers)
    try:
        return changed(number, NEWEST[number], MODES.index(mode), given), given
    except BadParameter as error:
        raise InvalidInput(f"{error}.") from error


def _number(name: str, text: str) -> tuple[str, int]:
    parameter, _, value = text.partition("=")
    try:
        return parameter, int(value)
    except ValueError:
        rule = NUMBERS[name]
        known = ", ".join(parameters_of(rule, NEWEST[rule]) or ())
        raise InvalidInput(
            f"{text!r} is no number of rule {name}: write NAME=NUMBER, of {known}.") from None
