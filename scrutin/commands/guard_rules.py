"""`scrutin guard rules`: what do the rules of the guard do?"""

import json
from typing import Annotated

import typer

from processors.guard.parameters import NAMES
from producers.guard_rules import read_rules
from scrutin.commands import acting, producing
from scrutin.patrol.rules_in_force import described, in_force


def rules(
    *,
    consultation: Annotated[str, typer.Option(
        help="As they are for one consultation.", show_default=False)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the rules of the guard as they are in force: mode and numbers.

    Exit status 3 where Kafka or a topic is missing.
    """
    found = in_force(producing.finish(read_rules(producing.log())))
    listed = [described(found.of(consultation, rule)) for rule in NAMES]
    if as_json:
        typer.echo(json.dumps(listed))
        return
    for each in listed:
        numbers = " ".join(f"{name}={value}" for name, value in each["parameters"].items())
        acting.show([f"{each['rule']}/{each['version']} {each['mode']}: {numbers}"])
