"""`scrutin readmit`: have a retired proposal voted on again."""

import json

import typer

from producers import correcting
from scrutin.commands import producing
from scrutin.commands.retire import Proposal


def readmit(
    proposal: Proposal,
    *,
    reason: producing.Reason,
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Have a retired proposal voted on again, and show its words.

    Nothing is written where it is not retired. Signed where the log has control keys. Exit status
    2 where the consultation is closed or not said, or no key at hand may sign, 3 where proposal,
    consultation, Kafka or a topic is missing.
    """
    done = producing.finish(correcting.restore(
        producing.log(after_closing=after_closing), proposal, reason, consultation=consultation,
        now=producing.now()))
    producing.say(f"{proposal}: {'voted on again' if done.written else 'is not retired'}")
    typer.echo(json.dumps(vars(done)))
