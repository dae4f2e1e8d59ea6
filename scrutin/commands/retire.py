"""`scrutin retire`: take a proposal out of the vote."""

import json
from typing import Annotated

import typer

from producers import correcting
from scrutin.commands import producing


Proposal = Annotated[str, typer.Argument(
    help="Identifier of the proposal.", show_default=False)]


def retire(
    proposal: Proposal,
    *,
    reason: producing.Reason,
    hide_text: Annotated[bool, typer.Option(
        "--hide-text", help="Show its words and its author no longer, on pages, in exports and in "
                            "bundles made from now on. The log keeps them.")] = False,
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Show a proposal to no voter any more; its votes are kept, counted, and shown as retired.

    Run again with or without --hide-text, it hides the words or shows them. Nothing is written
    where the log already says so. Signed where the log has control keys. Exit status 2 where the
    consultation is closed or not said, or no key at hand may sign, 3 where proposal,
    consultation, Kafka or a topic is missing.
    """
    done = producing.finish(correcting.retire(
        producing.log(after_closing=after_closing), proposal, reason, text_hidden=hide_text,
        consultation=consultation, now=producing.now()))
    how = "retired, its text hidden" if hide_text else "retired, its text shown"
    producing.say(f"{proposal}: {'now' if done.written else 'already'} {how}")
    typer.echo(json.dumps(vars(done)))
