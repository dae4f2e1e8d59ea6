"""`scrutin simulate`: write a campaign."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from producers.campaign import published
from producers.campaign.plan import plan
from producers.campaign.run import Progress, run
from producers.errors import ProducingError
from scrutin.commands import producing


REPORT_SECONDS = 1.0
"""Progress is told about this often."""


def simulate(
    *,
    seed: Annotated[int, typer.Option(help="Names the campaign: the same seed, the same bytes.")]
    = 1,
    published_file: Annotated[Path | None, typer.Option(
        "--published", help="File of published figures; without it the one scrutin ships.",
        show_default=False)] = None,
    rate: Annotated[float | None, typer.Option(
        min=1, help="At most so many records a second in the votes topic.", show_default=False)]
    = None,
    scale: Annotated[float, typer.Option(
        help="Size of the campaign, 1 is the real one; percentages hold at 1 only.")] = 1.0,
) -> None:
    """Write the #SolutionsJeunes campaign: catalogue, votes with noise, closing, late votes.

    Prints what was written as one JSON document. Votes are of the version that the announced rules
    have; controls are signed where the log has control keys. Exit status 2 where
    the file, the scale or a log that already holds the campaign forbids it, 3 where Kafka or a
    topic is missing.
    """
    try:
        campaign = plan(published.load(published_file), seed, scale)
    except ProducingError as error:
        producing.fail(error)
    address, topics = producing.stack()
    written = producing.finish(run(
        address, topics, campaign, rate=rate, progress=Reporter(),
        own_keys=producing.own_control_keys()))
    typer.echo(json.dumps({
        "consultation": campaign.published.consultation, "seed": seed, "scale": scale,
        "counted_votes": campaign.amounts.votes, "participants": campaign.amounts.participants,
        "proposals": len(campaign.proposals), "catalogue_records": written.catalogue_records,
        "votes_records": written.votes_records,
        "participants_records": written.participants_records,
    }))


class Reporter:
    """Tells progress on stderr about once every REPORT_SECONDS and at every new phase."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()
        self._phase = ""

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.phase == self._phase and now - self._last < REPORT_SECONDS:
            return
        self._phase, self._last = progress.phase, now
        producing.say(
            f"{now - self._began:6.1f} s  {progress.phase:9}  "
            f"{progress.votes_records:>9,} records in votes, "
            f"{progress.participants_records:>7,} descriptions"
        )
