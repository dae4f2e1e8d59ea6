"""What the published figures would be if an act on a finding took effect now.

The documents before and after are made by the code that publishes and recounts; what differs is
listed as a what-if lists it.
"""

from dataclasses import dataclass
from typing import Any

from processors.results import results_document
from processors.results.catalogue import Catalogue
from processors.results.results_document import AsOf, Figures
from producers.log_reader import LogReader
from producers.operations import Log
from schemas import codec
from schemas.codec import Undecodable
from scrutin.acting.acts import Case
from sinks.recount.what_if import Change, changes
from views.embargo import embargoed


@dataclass(frozen=True)
class Preview:
    """What an act would change."""

    changes: list[Change]
    hidden: bool
    """Whether how people vote is hidden until voting has closed."""


async def preview(log: Log, case: Case) -> Preview:
    """Compare the figures as they are with those supposed."""
    catalogue = await _catalogue(log)
    before, after = (_document(case, figures, catalogue)
                     for figures in (case.survey.before, case.survey.after))
    known = catalogue.consultations.get(case.about.consultation)
    return Preview(list(changes(before, after)), embargoed(known, before["state"]))


async def _catalogue(log: Log) -> Catalogue:
    """Fold the catalogue as whoever publishes does."""
    found = Catalogue()
    async with LogReader(log.address) as reader:
        async for records in reader.read(log.topics.catalogue, 0):
            for record in records:
                try:
                    event, fields = codec.decode(record.value)
                except Undecodable:
                    continue
                found.apply(event, fields, record.offset, record.value)
    return found


def _document(case: Case, figures: Figures, catalogue: Catalogue) -> dict[str, Any]:
    positions = AsOf(case.survey.offsets, catalogue.offset, -1)
    return results_document.document(results_document.compute(
        case.about.consultation, figures, catalogue, positions, decided={}, undecodable=0),
        catalogue)
