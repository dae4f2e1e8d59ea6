"""`scrutin guard rule`: change what a rule of the guard does."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from producers.errors import InvalidInput
from producers.guard_rules import change_rule
from scrutin.commands import producing
from scrutin.patrol.rules_in_force import asked


class Mode(StrEnum):
    """What a rule does with what it finds."""

    OFF = "off"
    REPORT = "report"
    SET_ASIDE = "set_aside"


def rule(
    name: Annotated[str, typer.Argument(
        help="Name of the rule, as `scrutin guard rules` lists it.", show_default=False)],
    mode: Annotated[Mode, typer.Argument(
        help="What it does with what it finds.", show_default=False)],
    *,
    reason: producing.Reason,
    number: Annotated[list[str] | None, typer.Option(
        "--set", metavar="NAME=NUMBER", help="A number of the rule; those not given are as in "
        "the code. May be repeated.", show_default=False)] = None,
    consultation: Annotated[str | None, typer.Option(
        help="For one consultation only; without it for all that have no change of their own.",
        show_default=False)] = None,
) -> None:
    """Have a rule of the guard report, set aside, or do nothing, from here on.

    What was set aside stays so. Signed where the log has control keys. Exit status 2 where there is
    no such rule or number, or no key at hand may sign, 3 where the consultation, Kafka or a topic
    is missing.
    """
    try:
        wanted, given = asked(name, mode, number or ())
    except InvalidInput as error:
        producing.fail(error)
    written = producing.finish(change_rule(
        producing.log(), wanted.rule, wanted.version, mode, given, reason,
        consultation=consultation, now=producing.now()))
    where = f"consultation {consultation}" if consultation else "all consultations"
    producing.say(f"rule {name}, {where}: {mode}" if written
                  else f"rule {name}, {where}: {mode} already, nothing written")
    typer.echo(json.dumps({"rule": name, "mode": mode, "consultation": consultation,
                           "numbers": given, "written": written}))
