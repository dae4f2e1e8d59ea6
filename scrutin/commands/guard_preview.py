"""`scrutin guard preview`: what would an act on a finding change?"""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from producers.errors import InvalidInput
from producers.operations import Log
from schemas.control_signatures import NOBODY
from schemas.finding_acts import needs_two
from scrutin.acting.acts import Case, case
from scrutin.acting.preview import Preview
from scrutin.acting.preview import preview as previewed
from scrutin.acting.survey import REINSTATED, SUSPENDED
from scrutin.commands import acting, producing
from sinks.recount.what_if import Change
from sinks.recount.what_if_report import listed


def preview(
    finding: acting.Finding,
    *,
    marked_only: acting.MarkedOnly = False,
    reinstated: Annotated[bool, typer.Option(
        "--reinstated", help="If everybody whom it sets aside counted again, instead.")] = False,
    show_embargoed: acting.ShowEmbargoed = False,
    as_json: acting.JsonReport = False,
) -> None:
    """Compare votes, shares and ranks as they are with those if a finding were confirmed now.

    Nothing is written. The ledger decides the whole ballot box once more, with the suspensions
    that would follow. Exit status 2 where shares are hidden until voting has closed, and nobody
    asked to see them, 3 where the finding, Kafka or a topic is missing.
    """
    event = REINSTATED if reinstated else SUSPENDED
    log = producing.log()
    found = producing.finish(case(
        log, acting.parsed(finding), supposed=event, marked_only=marked_only))
    made = producing.finish(previewed(log, found))
    if made.hidden and not show_embargoed:
        producing.fail(InvalidInput(
            "the shares are hidden until voting has closed, and a preview lists them: give "
            "--show-embargoed if you may see them."))
    told = _as_json(log, found, made, event, marked_only=marked_only)
    if as_json:
        typer.echo(json.dumps(told))
        return
    acting.show(lines(told, made.changes))


def lines(told: dict[str, Any], changes: list[Change]) -> Iterator[str]:
    """Yield what would be another as lines of text."""
    second = ": a second person is asked for" if told["needs_two"] else ""
    yield f"{told['voters']} voters, {told['votes']} of {told['of']} votes{second}"
    yield from listed(changes)
    if not changes:
        yield "no figure would be another"


def _moved_before(found: Case, log: Log) -> int:
    """Return how many votes the keys that lie here moved alone, by other findings; the most."""
    keys = [each.id for each in log.own_keys] if found.known.control_keys else [NOBODY]
    alone, about = found.known.acts.alone, found.about
    return max((alone(about.consultation, key, about.pair.finding) for key in keys), default=0)


def _as_json(
    log: Log, found: Case, made: Preview, event: str, *, marked_only: bool
) -> dict[str, Any]:
    survey = found.survey
    whom = survey.set_aside() if event == REINSTATED else found.found.covered(
        found.found.judgement, marked_only=marked_only)
    votes, before = survey.votes(whom), _moved_before(found, log)
    return {
        "finding": found.id, "supposed": event, "votes_offsets": list(survey.offsets),
        "voters": len(whom), "votes": votes, "of": survey.of,
        "needs_two": needs_two(votes, survey.of, before), "moved_before": before,
        "state": found.standing.state,
        "changes": [vars(change) for change in made.changes]}
