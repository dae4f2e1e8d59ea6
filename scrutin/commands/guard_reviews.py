"""`scrutin guard reviews`: who asks that a person looks?"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from scrutin.acting.reviews import reviews as asked
from scrutin.commands import acting, producing


def reviews(
    *,
    consultation: Annotated[str | None, typer.Option(
        help="Of one consultation only.", show_default=False)] = None,
    as_json: acting.JsonReport = False,
) -> None:
    """List voters who ask that a person looks at votes which a rule set aside, the oldest first.

    Each once, with the finding. `scrutin guard reinstate` lets one voter, or a whole finding, count
    again. Exit status 3 where Kafka or a topic is missing.
    """
    found = producing.finish(asked(producing.log(), consultation))
    if as_json:
        typer.echo(json.dumps(found))
        return
    acting.show(map(line, found))
    if not found:
        producing.say("nobody has asked.")


def line(each: dict[str, Any]) -> str:
    """Return what a voter asks as a line of text."""
    at = datetime.fromtimestamp(each["asked_at"] / 1000, UTC).isoformat(timespec="seconds")
    return (f"{at} {each['consultation']} voter {each['voter']}, {each['rule']}, finding "
            f"{each['finding']} ({each['state']}): "
            f"{'counts again' if each['answered'] else 'waits for a person'}")
