"""`scrutin guard recount`: what would be published without each rule of the guard?"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from scrutin.audit import beginning
from scrutin.audit.beginning import say
from scrutin.commands import acting
from scrutin.settings import load
from sinks.catching_up import WAIT_SECONDS
from sinks.recount.noticed import noticed
from sinks.recount.without_rules import batch
from views.guard import kept


def recount(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    *,
    wait: Annotated[float, typer.Option(
        min=0, help="Seconds to wait for the archive to hold what was published.")] = WAIT_SECONDS,
) -> None:
    """Recount with every vote, and without each rule that sets votes aside, for the guard's page.

    The ledger decides the log once more for each: this takes as many times as long as a recount.
    What comes of it lies in the data folder with its date and positions; views of the same folder
    show it within some seconds. Nothing that is counted changes. Exit status 3 where something is
    missing or unreachable, 4 where decisions do not commit to the votes, 5 unreadable.
    """
    settings = load()
    with beginning.exit_codes(), beginning.published(consultation, settings, None) as (
            document, reading, _):
        found = batch(consultation, document, reading, say=say, wait_seconds=wait)
        say("looking when the voters of each finding voted")
        found["noticed"] = noticed(consultation, reading)
    found["recounted_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    kept.keep(settings.data_folder, found)
    acting.show([f"{len(found['suppositions'])} recounts of {consultation} are kept for its page."])
