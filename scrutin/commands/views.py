"""`scrutin views`: show the results until told to stop."""

import asyncio

import structlog
import typer
import uvloop

from schemas.exit_codes import EXIT_MISSING, EXIT_UNREADABLE
from scrutin import addresses
from scrutin.process import descriptors, log, tracing
from scrutin.settings import Settings, load
from scrutin.workers.command import PlaceOption, place_of, supervised
from scrutin.workers.place import Place
from scrutin.workers.restarts import GivenUp
from views.flushes import ResultsUnreadable
from views.ports import AddressTaken, bound, listen
from views.reader import BrokerUnreachable


def views(*, place: PlaceOption = "") -> None:
    """Show the results: API and public pages, from the results topic. Ends on SIGTERM.

    Listens on SCRUTIN_VIEWS_HOST:SCRUTIN_VIEWS_PORT; /readyz says when everything has been read,
    /ops shows operators how every process stands.
    SCRUTIN_VIEWS_WORKERS processes share the port, and each that ends is started again.
    Exit codes: 0 told to stop, 3 broker, topics or address missing, 5 results unreadable, 70 it
    stood still, or a worker failed several times in a row: start it again.
    """
    settings = load()
    log.configure(settings)
    logger = structlog.get_logger("views")
    at = place_of(place)
    try:
        kafka = addresses.kafka_address(settings)
        if at or not supervised("views", settings.views_host, settings.views_port,
                                settings.views_workers, settings):
            _serve(settings, kafka, at)
    except GivenUp as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- as below
        raise typer.Exit(error.status) from error
    except (addresses.StackNotRunning, BrokerUnreachable, AddressTaken) as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(EXIT_MISSING) from error
    except ResultsUnreadable as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- as above
        raise typer.Exit(EXIT_UNREADABLE) from error
    logger.info("views ended", reason="told to stop")


def _serve(settings: Settings, kafka: str, place: Place | None) -> None:
    """Be the views, or one worker of them."""
    # A supervisor needs none of the parts of views.
    from scrutin.views.composition import serve  # noqa: PLC0415 -- for the reason above

    descriptors.allow_connections()
    logger = structlog.get_logger("views")
    opened = (listen(settings.views_host, settings.views_port) if place is None
              else bound(settings.views_host, settings.views_port, shared=True))
    with opened:
        address = f"http://{settings.views_host}:{opened.getsockname()[1]}"
        logger.info("views listening", url=address, kafka=kafka)
        with tracing.told(settings, "views"), asyncio.Runner(
                loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(
                settings, kafka, addresses.topics(settings), opened, place=place,
                on_ready=lambda: logger.info("views ready", url=address)))
