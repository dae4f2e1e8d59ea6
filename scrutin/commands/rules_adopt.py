"""`scrutin rules adopt`: from here on the ballot box is decided by later rules."""

import json
from typing import Annotated

import typer

from producers import adoption
from scrutin.commands import producing


def adopt(
    rules: Annotated[int, typer.Argument(
        help="Version of the rules to adopt.", show_default=False)],
) -> None:
    """Adopt rules in every partition, then announce them; there is no way back.

    What was decided stays as it is; what comes later is decided by these rules, and votes are
    written with their fields once every partition has adopted. First bring every ledger, gateway,
    archive and notary to this version: docs/upgrade.md says in which order. Run again, it finishes
    an adoption that was interrupted. Exit status 0 also where the rules were adopted already, 2
    where they are not known here, 3 where Kafka, a topic or the adoption of a partition is missing.
    """
    adopted = producing.finish(adoption.adopt(producing.log(), rules, now=producing.now()))
    if adopted.partitions or adopted.announced:
        producing.say(f"rules {rules}: adopted by every partition, and announced")
    else:
        producing.say(f"rules {rules}: were adopted and announced already")
    typer.echo(json.dumps(vars(adopted)))
