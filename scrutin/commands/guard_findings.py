"""`scrutin guard findings`: what did the patrol find?"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scrutin.commands import acting, producing
from scrutin.patrol.recorded_findings import recorded_findings


def findings(
    *,
    consultation: Annotated[str | None, typer.Option(
        help="Of one consultation only.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List what the patrol found, the oldest first: rule, item, evidence, how many are named.

    A finding says that a group looks like machines, not that anybody is one. Exit status 3 where
    Kafka or a topic is missing.
    """
    found = [each.described() for each in producing.finish(
        recorded_findings(*producing.stack()))
        if consultation in (None, each.first.consultation)]
    if as_json:
        typer.echo(json.dumps(found))
        return
    acting.show(map(line, found))
    if not found:
        producing.say("nothing was found.")


def line(each: dict[str, Any]) -> str:
    """Return a finding as a line of text."""
    at = datetime.fromtimestamp(each["judged_at"] / 1000, UTC).isoformat(timespec="seconds")
    about = " ".join(filter(None, (each["consultation"], each["proposal"], each["choice"])))
    marks = f", {each['marked']} bear {' and '.join(each['marks'])}" if each["marks"] else ""
    numbers = " ".join(f"{name}={value}" for name, value in each["numbers"].items())
    return (f"{at} {each['finding']} {each['rule']}/{each['version']} {each['mode']} "
            f"{about}: {each['voters']} voters named{marks}, {each['suspended']} set "
            f"aside; {numbers}")
