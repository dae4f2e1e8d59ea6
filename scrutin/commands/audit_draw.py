"""`scrutin audit draw`: does a drawn vote cost what was published?"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from producers.gateway import draw_costs
from schemas.exit_codes import EXIT_FAILED
from scrutin.audit import beginning
from scrutin.audit.beginning import say
from scrutin.audit.draw import measured_again
from scrutin.process.foreign_files import KEY_FILE_BYTES_MAX, NotOfItsKind, read_foreign
from scrutin.settings import load
from sinks.catching_up import WAIT_SECONDS


def draw(
    consultation: Annotated[str, typer.Argument(help="Identifier of the consultation.")],
    measurement: Annotated[Path, typer.Argument(
        help="The saved answer of /v1/consultations/ID/draw.", show_default=False)],
    *,
    wait: Annotated[float, typer.Option(
        min=0, help="Seconds to wait for the archive to hold what was published.")] = WAIT_SECONDS,
) -> None:
    """Measure again what a drawn vote on a chosen proposal costs, from the archived votes.

    The votes are decided anew up to the positions that the measurement names, and the draw is
    measured on what they give. Exit codes: 0 the measurement says the same, 1 it says something
    else, 2 usage, 3 something missing or unreachable, 4 decisions do not commit to the votes,
    5 unreadable.
    """
    settings = load()
    with beginning.exit_codes():
        told = read_measurement(measurement, consultation)
        with beginning.published(consultation, settings, None) as (document, reading, _):
            anew = measured_again(told, document, reading, wait_seconds=wait)
    typer.echo(json.dumps(anew, ensure_ascii=False, indent=1))
    if anew != told:
        say(f"{measurement} says something else than the votes give, which is above.")
        raise typer.Exit(EXIT_FAILED)


def read_measurement(path: Path, consultation: str) -> dict[str, Any]:
    """Read a measurement; raise Missing or NotOfItsKind."""
    try:
        found = json.loads(read_foreign(path, KEY_FILE_BYTES_MAX))
        votes, catalogue = found["as_of"]["votes"], found["as_of"]["catalogue"]
        held = found["format"] == draw_costs.FORMAT and all(
            type(offset) is int for offset in (*votes, catalogue))
    except OSError as error:
        raise beginning.Missing(f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotOfItsKind(f"{path} is no measurement of a draw: {error!r}. Save the answer of "
                           f"/v1/consultations/{consultation}/draw.") from error
    if not held or found.get("consultation") != consultation:
        raise NotOfItsKind(f"{path} is no measurement of the draw of {consultation!r} that this "
                           f"version knows ({draw_costs.FORMAT}).")
    measured: dict[str, Any] = found
    return measured
