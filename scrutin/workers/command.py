"""How a command becomes a supervisor of itself, or one of its workers."""

from typing import Annotated

import structlog
import typer

from scrutin.process import lines
from scrutin.settings import Settings
from scrutin.workers.place import Place
from scrutin.workers.supervisor import supervise
from views.ports import held


PlaceOption = Annotated[str, typer.Option("--place", hidden=True, help=(
    "What a supervisor gives its workers; nobody else."))]


def place_of(text: str) -> Place | None:
    """Return the place that a supervisor gave this process, whose lines bear its number then."""
    if not text:
        return None
    place = Place.read(text)
    lines.say_in_each(worker=str(place.worker))
    return place


def supervised(kind: str, host: str, port: int, workers: int, settings: Settings) -> bool:
    """Run the workers of a kind, where there are several, until told to stop.

    False: this process is the only one. Raises AddressTaken and GivenUp.
    """
    if workers == 1:
        return False
    lines.say_in_each(worker="supervisor")
    with held(host, port) as found:
        structlog.get_logger(kind).info(
            "workers begin", url=f"http://{host}:{found}", workers=workers)
        supervise(kind, found, workers, settings.drain_seconds)
    return True
