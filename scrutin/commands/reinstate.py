"""`scrutin reinstate`: let a voter's votes count again."""

import json
from typing import Annotated

import typer

from producers import suspending
from schemas.findings import CAUSE_MOST
from scrutin.commands import producing


def reinstate(
    voter: producing.Voter,
    *,
    reason: producing.Reason,
    consultation: producing.Consultation = None,
    cause: Annotated[list[int] | None, typer.Option(
        min=0, max=CAUSE_MOST, help="Clear the findings of this cause only: 0 is an "
        "operator's, n those of rule n of the guard. May be repeated; without it, all.",
        show_default=False)] = None,
    immune: Annotated[list[int] | None, typer.Option(
        min=1, max=CAUSE_MOST, help="Let this rule of the guard suspend the voter no "
        "more. May be repeated.", show_default=False)] = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Let the votes of a suspended voter count again.

    Under rules 2 every finding that is cleared is named, and stays cleared; later ones may suspend
    the voter again, except those of causes it is made immune to. Nothing is written where the log
    already says so. Signed where the log has control keys. Exit status 2 where the voter or the
    consultation is not said rightly, it is closed, or no key at hand may sign, 3 where the
    consultation, Kafka or a topic is missing.
    """
    done = producing.finish(suspending.reinstate(
        producing.log(after_closing=after_closing), voter, reason, consultation=consultation,
        now=producing.now(), causes=cause or (), immune=immune or ()))
    written = "written" if done.written else "nothing written"
    if done.causes:
        standing = ", ".join(map(str, done.causes))
        producing.say(f"{voter} is still suspended, by cause {standing}: {written}")
    else:
        producing.say(f"{voter}: {'counts' if done.written else 'is not suspended'}: {written}")
    typer.echo(json.dumps(vars(done)))
