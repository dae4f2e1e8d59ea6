"""`scrutin reinstate`: let a voter's votes count again."""

import json
import secrets

import typer

from producers import operations
from scrutin.commands import producing


def reinstate(
    voter: producing.Voter,
    *,
    reason: producing.Reason,
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Let the votes of a suspended voter count again.

    Nothing is written where the log already says so. Exit status 2 where the voter or the
    consultation is not said rightly, or it is closed, 3 where the consultation, Kafka or
    a topic is missing.
    """
    done = producing.finish(operations.suspend(
        producing.log(after_closing=after_closing), "VoterReinstated", voter, reason,
        consultation=consultation, now=producing.now(), salt=secrets.token_bytes(16)))
    producing.say(f"{voter}: reinstated" if done.written
                  else f"{voter} is not suspended: nothing written")
    typer.echo(json.dumps(vars(done)))
