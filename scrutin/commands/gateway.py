"""`scrutin gateway`: take votes until told to stop."""

import asyncio

import structlog
import typer
import uvloop

from producers.gateway.keys import KeysUnusable
from schemas.exit_codes import EXIT_MISSING, EXIT_STOPPED
from scrutin import addresses
from scrutin.gateway.composition import serve
from scrutin.process import descriptors, garbage, log, tracing
from scrutin.process.background import BackgroundFailed
from scrutin.settings import load
from views.server import AddressTaken, listen


def gateway() -> None:
    """Take votes over HTTP and write them into the log. Ends on SIGTERM.

    Listens on SCRUTIN_GATEWAY_HOST:SCRUTIN_GATEWAY_PORT; /readyz says whether votes can be taken.
    Without a broker it runs on, answers 503 and takes votes again once the broker is back.
    Exit codes: 0 told to stop, 3 address taken, keys unusable or no broker named, 70 a part of it
    failed: start it again.
    """
    settings = load()
    log.configure(settings)
    descriptors.allow_connections()
    garbage.relax()
    logger = structlog.get_logger("gateway")
    try:
        kafka = addresses.kafka_address(settings)
        with listen(settings.gateway_host, settings.gateway_port) as opened:
            address = f"http://{settings.gateway_host}:{opened.getsockname()[1]}"
            with tracing.told(settings, "gateway"), asyncio.Runner(
                    loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(
                    settings, kafka, addresses.topics(settings), opened,
                    on_serving=lambda: logger.info(
                        "gateway listening", url=address, kafka=kafka)))
    except (addresses.StackNotRunning, AddressTaken, KeysUnusable) as error:
        logger.error("gateway ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(EXIT_MISSING) from error
    except BackgroundFailed as error:
        logger.critical("gateway ended", reason=str(error), exc_info=error)
        raise typer.Exit(EXIT_STOPPED) from error
    logger.info("gateway ended", reason="told to stop")
