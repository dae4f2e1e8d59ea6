"""Pages with everything on them: the campaign of full variety, and a control room that is busy."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from producers.gateway import draw_costs
from tests.serving import served
from tests.views import campaign, guarding
from tests.views.operations.control_room import SIZE, ControlRoom
from views.api import Beside, application
from views.days import Days
from views.guard.routes import Guard
from views.publications import Publications


FIRST_DAY = date(2022, 3, 22)
DAYS = 62


@contextmanager
def showroom(folder: Path) -> Iterator[str]:
    """Serve the campaign while it is open, with votes by day and busy operations; give where."""
    findings = guarding.evening(campaign.CONSULTATION)
    room = ControlRoom(folder, token="", closed=False, findings=findings)
    room.busy()
    assert campaign.document(SIZE)["controversial"], "not every list has something in it"
    days = Days()
    days.tell(campaign.CONSULTATION, {
        FIRST_DAY + timedelta(number): 4_000 + 137 * (number % 17) for number in range(DAYS)},
        datetime(2022, 5, 22, 22, tzinfo=UTC))
    publications = Publications(
        room.source.flushes, lambda: 0.0, days=days, address="https://vote.example")
    document = campaign.document(SIZE, closed=False, by_route=True)
    publications.costs.tell(
        campaign.CONSULTATION, draw_costs.measured(document, blind=False))
    app = application(room.source, publications, beside=Beside(
        operations=room.operations, guard=Guard(
            findings, lambda _: guarding.batch(campaign.CONSULTATION),
            guarding.door(campaign.CONSULTATION)), gateway_url="http://127.0.0.1:1"))
    with served(app) as url:
        yield url
