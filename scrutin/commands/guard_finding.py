"""`scrutin guard finding`: what is known of one finding?"""

import json
from collections.abc import Iterator
from typing import Any

import typer

from schemas.finding_acts import described
from scrutin.acting.acts import Case, case
from scrutin.commands import acting, producing


def finding(
    finding: acting.Finding,
    *,
    as_json: acting.JsonReport = False,
) -> None:
    """Show a finding: its evidence, how many it names and sets aside, and what people decided.

    Voters are counted, not named; of their votes by hour, fewer than 10 are not told. It reads the
    whole ballot box. Exit status 3 where the finding, Kafka or a topic is missing.
    """
    found = producing.finish(case(producing.log(), acting.parsed(finding)))
    told = _as_json(found)
    if as_json:
        typer.echo(json.dumps(told))
    else:
        acting.show(lines(told))


def _as_json(found: Case) -> dict[str, Any]:
    survey, finding = found.survey, found.found.first
    acts = found.known.acts.of(finding.consultation, finding.finding)
    last = acts[-1].judgement if acts else 0
    return {
        **found.found.described(), "suspended": len(survey.set_aside()),
        "judgement": found.found.judgement, "votes": survey.votes(survey.voters),
        "of": survey.of, "hours": survey.hours_told(), "state": found.standing.state,
        "named_since": sum(number > last for number in found.found.members.values()),
        "acts": [described(act) for act in acts]}


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield a finding as lines of text."""
    about = " ".join(filter(None, (told["consultation"], told["proposal"], told["choice"])))
    yield (f"{told['finding']} {told['rule']}/{told['version']} {told['mode']}, {about}: "
           f"{told['state']}")
    yield (f"{told['voters']} voters named, {told['marked']} bear a mark"
           f"{' (' + ', '.join(told['marks']) + ')' if told['marks'] else ''}, "
           f"{told['suspended']} set aside")
    yield f"{told['votes']} of the {told['of']} votes of the consultation are theirs"
    yield " ".join(f"{name}={value}" for name, value in told["numbers"].items())
    for hour in told["hours"]:
        votes = "fewer than 10" if hour["votes"] is None else hour["votes"]
        yield f"  {hour['hour']} {votes}"
    for act in told["acts"]:
        who = act["by"] or "nobody can tell who"
        second = f", with {act['second']}" if act["second"] else ""
        yield (f"{act['act']} by {who}{second}: {act['voters']} voters, {act['votes']} votes; "
               f"{act['reason']}")
    if told["acts"] and told["named_since"]:
        yield f"{told['named_since']} voters were named since"
