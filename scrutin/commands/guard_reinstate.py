"""`scrutin guard reinstate`: let count again whom the guard set aside."""

import json
from typing import Annotated

import typer

from producers import suspending
from producers.errors import InvalidInput
from producers.operations import Log
from producers.suspending import Suspended
from schemas.corrections import FINDING_DISMISSED
from schemas.findings import CAUSE_MOST
from scrutin.acting.acts import Wanted
from scrutin.acting.reviews import answer
from scrutin.commands import acting, producing


RULES = range(1, CAUSE_MOST + 1)


def reinstate(
    *,
    voter: Annotated[str | None, typer.Option(
        help="Pseudonym of a voter: 32 hexadecimal digits.", show_default=False)] = None,
    finding: Annotated[str | None, typer.Option(
        help="Id of a finding: everybody whom it sets aside.", show_default=False)] = None,
    reason: producing.Reason,
    consultation: producing.Consultation = None,
    second: acting.Second = None,
    after_closing: producing.AfterClosing = False,
) -> None:
    """Let a voter, or everybody whom a finding sets aside, count again, for good.

    The rules of the guard that set them aside cannot do it again, whatever they find later. What
    an operator set aside (`scrutin suspend`) stays so. A whole finding above one in a hundred of
    the consultation's votes waits for a second person, as `scrutin guard confirm` does. Safe to
    repeat, and to go on with after it was killed. Exit status 2 where it cannot be, and 3 where
    something is missing, as `scrutin guard confirm` has it.
    """
    if (voter is None) == (finding is None):
        producing.fail(InvalidInput("name a voter with --voter, or a finding with --finding."))
    if finding is not None:
        acting.carry_out(
            finding, Wanted(FINDING_DISMISSED, reason, lets_count=True, second=second),
            after_closing=after_closing)
        return
    log = producing.log(after_closing=after_closing)
    done, answered = producing.finish(
        _voter(log, voter or "", reason, consultation, producing.now()))
    producing.say(f"{voter}: {_sentence(done)}")
    typer.echo(json.dumps({**vars(done), "answered": answered}))


async def _voter(
    log: Log, voter: str, reason: str, consultation: str | None, now: int
) -> tuple[Suspended, bool]:
    """Reinstate a voter, and say so where their own page reads it."""
    done = await suspending.reinstate(
        log, voter, reason, consultation=consultation, now=now, causes=RULES, immune=None)
    return done, bool(done.immune) and await answer(
        log, suspending.parse_voter(voter), done.consultation, done.immune, reason, now=now)


def _sentence(done: Suspended) -> str:
    if not done.written:
        return "no rule of the guard sets this voter aside: no control written"
    return "an operator still sets this voter aside" if done.causes else "counts again"
