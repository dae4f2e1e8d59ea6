"""What a campaign of full size costs its readers: the results page, and a voter's sequence."""

import gzip
import random
import statistics
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.house import House
from benchmarks.votes import PROPOSALS
from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.descriptions import DESCRIBED_BY, PublishedDescriptions
from producers.campaign import published
from producers.campaign.catalogue import catalogue
from producers.campaign.expected import Expected, expected
from producers.campaign.plan import plan
from producers.gateway import sequence
from schemas import codec
from schemas.words import ANSWERS, CHOICES, COUNTS
from views.days import Told
from views.pages import rendering, results_page
from views.pages.languages import LANGUAGES
from views.representation import COMPRESSION_LEVEL


SEED = 1
RENDERS = 25
"""Pages made in each language; their median counts, the first one is left out."""
DAYS = 62
"""Days of the campaign, each a column of the picture."""
ADDRESS = "https://vote.example.org"


async def pages(_house: House, _votes: int) -> dict[str, float]:
    """Make the page of the planned campaign in every language; the slower and heavier counts."""
    document, told = _document(), _told()
    static = sum(len(_packed(rendering.static(name))) for name in ("style.css", "live.js"))
    seconds, sizes = [], []
    for language in LANGUAGES:
        taken = []
        for _ in range(RENDERS + 1):
            began = time.perf_counter()
            model = results_page.page(document, 0, told=told, address=ADDRESS)
            page = rendering.render("results.html", language, **model)
            taken.append(time.perf_counter() - began)
        seconds.append(statistics.median(taken[1:]))
        sizes.append(len(_packed(page)) + static)
    return {"results_page_milliseconds": max(seconds) * 1e3,
            "results_page_kilobytes": max(sizes) / 1e3,
            "sequence_milliseconds": max(map(_sequence_seconds, (0, PROPOSALS // 2, PROPOSALS)))
            * 1e3}


def _sequence_seconds(tested: int) -> float:
    """Choose sequences where so many proposals have enough votes to be tested."""
    chance = random.Random(SEED)
    pool = sequence.Pool(
        (sequence.Candidate(
            f"p{number}", f"author {chance.randrange(PROPOSALS)}",
            (*(chance.randrange(10, 200) if number < tested else 1 for _ in CHOICES), *(0,) * 6))
         for number in range(PROPOSALS)), sequence.SECOND)
    taken = []
    for _ in range(RENDERS):
        seed = chance.randbytes(16)
        began = time.perf_counter()
        sequence.serve(pool, [], seed)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, COMPRESSION_LEVEL, mtime=0)


def _document() -> dict[str, Any]:
    campaign = plan(published.load(), SEED)
    known = Catalogue()
    for offset, (_, value) in enumerate(catalogue(campaign)):
        known.apply(*codec.decode(value), offset)
    as_of = results_document.AsOf((0, 0, 0, 0), known.offset, 0)
    found = results_document.compute(
        campaign.published.consultation, _figures(expected(campaign)), known, as_of, decided={},
        undecodable=0)
    return results_document.document(found, known)


def _figures(wanted: Expected) -> results_document.Figures:
    described = PublishedDescriptions(wanted.descriptions, {
        name: [{"value": word, "count": getattr(wanted, name)[word]} for word in ANSWERS[name]]
        for name in DESCRIBED_BY}, in_stretches=True)
    return results_document.Figures(
        proposals={name: [counts[each] for each in COUNTS]
                   for name, counts in wanted.proposals.items()},
        participants=wanted.participants, participants_received=wanted.participants_received,
        descriptions=described)


def _told() -> Told:
    first = date(2022, 3, 22)
    return Told({first + timedelta(day): 10_000 + day for day in range(DAYS)},
                datetime(2022, 5, 24, tzinfo=UTC))
