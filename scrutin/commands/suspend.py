"""`scrutin suspend`: set a voter's votes aside."""

import json

import typer

from producers import suspending
from scrutin.commands import producing


def suspend(
    voter: producing.Voter,
    *,
    reason: producing.Reason,
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Set aside every vote of a voter, those to come too, until reinstated.

    Nothing is written where the log already says so. Signed where the log has control keys. Exit
    status 2 where the voter or the consultation is not said rightly, it is closed, or no key at
    hand may sign, 3 where the consultation, Kafka or
    a topic is missing.
    """
    done = producing.finish(suspending.suspend(
        producing.log(after_closing=after_closing), voter, reason, consultation=consultation,
        now=producing.now()))
    producing.say(f"{voter}: suspended" if done.written
                  else f"{voter} is suspended already: nothing written")
    typer.echo(json.dumps(vars(done)))
