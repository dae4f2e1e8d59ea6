"""`scrutin correct`: change words or dates that people voted on, in the open."""

import json
from typing import Annotated

import typer

from producers import correcting
from producers.correcting import Wanted
from producers.errors import InvalidInput
from scrutin.commands import producing


def correct(  # noqa: PLR0913 -- each is an option of the command line
    proposal: Annotated[str | None, typer.Argument(
        help="Identifier of the proposal; without it the consultation is corrected.",
        show_default=False)] = None,
    *,
    reason: producing.Reason,
    text: Annotated[list[str] | None, typer.Option(
        help="The new words (of a proposal, a title, the question) behind their language, as in "
             "'fr=Il faut…'; once for each language that changes, others stay.",
        show_default=False)] = None,
    idea: Annotated[str | None, typer.Option(
        help="Correct the title of this idea instead.", show_default=False)] = None,
    theme: Annotated[str | None, typer.Option(
        help="Correct the title of this theme instead.", show_default=False)] = None,
    opens_at: Annotated[str, typer.Option(
        help="New opening of the consultation, as 2026-10-01T00:00:00+02:00.",
        show_default=False)] = "",
    closes_at: Annotated[str, typer.Option(
        help="New announced closing, written alike; none for none.", show_default=False)] = "",
    time_zone: Annotated[str, typer.Option(
        help="New time zone, as Europe/Paris.", show_default=False)] = "",
    consultation: producing.Consultation = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Change words or dates under votes: old and new stay readable, with the votes cast before.

    Reads the whole ballot box first: the event says how far it reached and how many votes it held
    when nobody could be shown the new words. Nothing is written where they stand there already.
    Signed where the log has control keys. Exit status 2 where it is not said rightly what shall
    change, the consultation is closed, or no key at hand may sign, 3 where proposal, idea, theme,
    consultation, Kafka or a topic is missing.
    """
    named = [(event, name) for event, name in (
        ("ProposalAccepted", proposal), ("IdeaDescribed", idea), ("ThemeDescribed", theme))
        if name is not None]
    if len(named) > 1:
        producing.fail(InvalidInput("name one thing to correct: a proposal, --idea or --theme"))
    event, name = named[0] if named else ("ConsultationDescribed", "")
    wanted = _sayable(event, Wanted(text or (), opens_at, closes_at, time_zone))
    done = producing.finish(correcting.correct(
        producing.log(after_closing=after_closing), event, name, wanted, reason,
        consultation=consultation, now=producing.now()))
    producing.say(
        f"{done.what}: corrected; {done.votes:,} votes were cast before" if done.written
        else f"{done.what} says that already: nothing written")
    typer.echo(json.dumps(
        {**vars(done), "changes": [change._asdict() for change in done.changes]},
        ensure_ascii=False))


def _sayable(event: str, wanted: Wanted) -> Wanted:
    """Return what is wanted; end the command where no description could say it."""
    try:
        wanted.require_sayable(event)
    except InvalidInput as error:
        producing.fail(error)
    return wanted
