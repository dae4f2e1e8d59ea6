"""Measure what a drawn vote on a chosen proposal costs, and tell the pages."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import structlog

from producers.gateway import draw_costs
from views.flushes import Figure, Flushes, ResultsUnreadable
from views.publications import Publications


POLL_SECONDS = 1.0
"""Pause between two looks at whether there is something to measure."""
AGAIN_SECONDS = 3_600.0
"""Least age of a measurement before the next, while voting is open."""
REST_FACTOR = 599
"""After a sequence there is a rest of so many times as long as it took: a six-hundredth of one
core, beside which a quiet process stays quiet."""
FIRST_REST_FACTOR = 29
"""A first price that somebody looks for is awaited: its rests are a twentieth of that..."""
FIRST_WORK_SECONDS = 0.6
"""... until so much work was done, in this thread's own time: a busy machine makes it no more. Of
some dozens of proposals that is all of it, of thousands it would keep a process busy for
minutes."""


async def measure_draws(
    publications: Publications, flushes: Flushes, *, rest_factor: float = REST_FACTOR
) -> None:
    """Tell the pages what a drawn vote costs in each consultation, until cancelled.

    Once an hour at most while it is open and votes come in, once when it is closed; nothing before
    rules 2, which tell drawn votes apart, nor before the first vote.
    """
    seen: dict[str, tuple[str, tuple[int, ...], float]] = {}
    while True:
        await asyncio.sleep(POLL_SECONDS)
        vector = flushes.applied.offsets if flushes.applied else ()
        for name in flushes.consultations():
            documents = publications.documents
            state, now = documents.state(name), time.monotonic()
            before = seen.get(name)
            settled = before is not None and before[0] == state and (
                state == "final" or before[1] == vector or now - before[2] < AGAIN_SECONDS)
            if not settled and documents.figure(name, Figure("totals_routes", "")) is not None:
                seen[name] = state, vector, now
                rests = Rests(rest_factor, partial(publications.costs.awaited, name))
                await _measure(publications, flushes, name, rests)


class Rests:
    """How long to rest after work of a measurement."""

    def __init__(self, factor: float, awaited: Callable[[], bool]) -> None:
        """Rest `factor` times as long as was worked, and less while somebody waits, for a while."""
        self._factor, self._awaited = factor, awaited
        self._soon_seconds = FIRST_WORK_SECONDS

    def after(self, worked_seconds: float) -> float:
        """Return the seconds to rest."""
        if self._soon_seconds <= 0 or not self._awaited():
            return self._factor * worked_seconds
        self._soon_seconds -= worked_seconds
        return min(self._factor, FIRST_REST_FACTOR) * worked_seconds


async def _measure(
    publications: Publications, flushes: Flushes, name: str, rests: Rests
) -> None:
    try:
        publication = publications.publication(name)
    except ResultsUnreadable as error:
        structlog.get_logger("views").warning("the draw is not measured", reason=str(error)[:300])
        return
    if publication is None:
        return
    document, known = publication.document, flushes.catalogue.consultations.get(name)
    described = known and known.described
    pool = draw_costs.pool_of(
        document, blind=bool(described and described.get("shares_embargoed")))
    found, began = Counter[str](), time.thread_time()
    for _ in draw_costs.steps(pool, found):
        await asyncio.sleep(rests.after(time.thread_time() - began))
        began = time.thread_time()
    publications.costs.tell(name, draw_costs.told(document, pool, found))
