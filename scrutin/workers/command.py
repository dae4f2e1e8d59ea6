"""How a command becomes a supervisor of itself, or one of its workers."""

from typing import Annotated

import structlog
import typer

from schemas.exit_codes import EXIT_USAGE
from scrutin.process import lines
from scrutin.process.ending import fail
from scrutin.settings import Settings
from scrutin.workers.place import Place
from scrutin.workers.supervisor import supervise, supervisor_of
from views.ports import held


PlaceOption = Annotated[str, typer.Option("--place", hidden=True, help=(
    "What a supervisor gives its workers; nobody else."))]


def place_of(text: str) -> Place | None:
    """Return the place that a supervisor gave this process, whose lines bear its number then.

    Ends the command where it is none: somebody typed it.
    """
    if not text:
        return None
    try:
        place = Place.read(text)
    except ValueError:
        fail(f"--place {text}: that is what a supervisor gives its workers. Leave it out, and set "
             "SCRUTIN_GATEWAY_WORKERS or SCRUTIN_VIEWS_WORKERS for several.", EXIT_USAGE)
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
        supervise(supervisor_of(kind, found, workers, settings))
    return True
