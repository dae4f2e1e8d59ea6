"""`scrutin gateway`: take votes until told to stop."""

import asyncio

import structlog
import typer
import uvloop

from producers.gateway.keys import KeysUnusable
from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from scrutin import addresses
from scrutin.process import descriptors, garbage, log, tracing
from scrutin.process.background import BackgroundFailed
from scrutin.settings import Settings, load
from scrutin.workers.command import PlaceOption, place_of, supervised
from scrutin.workers.place import Place
from scrutin.workers.restarts import GivenUp
from views.ports import AddressTaken, bound, listen


def gateway(*, place: PlaceOption = "") -> None:
    """Take votes over HTTP and write them into the log. Ends on SIGTERM.

    Listens on SCRUTIN_GATEWAY_HOST:SCRUTIN_GATEWAY_PORT; /readyz says whether votes can be taken.
    Without a broker it runs on, answers 503 and takes votes again once the broker is back.
    SCRUTIN_GATEWAY_WORKERS processes share the port, and each that ends is started again.
    Exit codes: 0 told to stop, 3 address taken, keys unusable or no broker named, 70 a part of it
    failed or it stood still, or a worker failed several times in a row: start it again.
    """
    settings = load()
    log.configure(settings)
    logger = structlog.get_logger("gateway")
    at = place_of(place)
    try:
        kafka = addresses.kafka_address(settings)
        if at or not supervised("gateway", settings.gateway_host, settings.gateway_port,
                                settings.gateway_workers, settings):
            _serve(settings, kafka, at)
    except (addresses.StackNotRunning, AddressTaken, KeysUnusable) as error:
        logger.error("gateway ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(EXIT_MISSING) from error
    except GivenUp as error:
        logger.error("gateway ended", reason=str(error))  # noqa: TRY400 -- as above
        raise typer.Exit(error.status) from error
    except BackgroundFailed as error:
        logger.critical("gateway ended", reason=str(error), exc_info=error)
        raise typer.Exit(EXIT_STOPPED) from error
    logger.info("gateway ended", reason="told to stop")


def _serve(settings: Settings, kafka: str, place: Place | None) -> None:
    """Be the gateway, or one worker of it."""
    # A supervisor needs none of a gateway's parts.
    from scrutin.gateway.composition import serve  # noqa: PLC0415 -- for the reason above

    descriptors.allow_connections()
    garbage.relax()
    opened = (listen(settings.gateway_host, settings.gateway_port) if place is None
              else bound(settings.gateway_host, settings.gateway_port, shared=True))
    with opened:
        address = f"http://{settings.gateway_host}:{opened.getsockname()[1]}"
        with tracing.told(settings, "gateway"), asyncio.Runner(
                loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(
                settings, kafka, addresses.topics(settings), opened, place=place,
                on_serving=lambda: structlog.get_logger("gateway").info(
                    "gateway listening", url=address, kafka=kafka)))
