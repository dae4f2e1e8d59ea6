"""`scrutin views`: show the results until told to stop."""

import asyncio

import structlog
import typer
import uvloop

from schemas.exit_codes import EXIT_MISSING, EXIT_UNREADABLE
from scrutin import addresses
from scrutin.process import descriptors, log, tracing
from scrutin.settings import load
from scrutin.views.composition import serve
from views.flushes import ResultsUnreadable
from views.reader import BrokerUnreachable
from views.server import AddressTaken, listen


def views() -> None:
    """Show the results: API and public pages, from the results topic. Ends on SIGTERM.

    Listens on SCRUTIN_VIEWS_HOST:SCRUTIN_VIEWS_PORT; /readyz says when everything has been read,
    /ops shows operators how every process stands.
    Exit codes: 0 told to stop, 3 broker, topics or address missing, 5 results unreadable.
    """
    settings = load()
    log.configure(settings)
    descriptors.allow_connections()
    logger = structlog.get_logger("views")
    try:
        kafka = addresses.kafka_address(settings)
        with listen(settings.views_host, settings.views_port) as opened:
            address = f"http://{settings.views_host}:{opened.getsockname()[1]}"
            logger.info("views listening", url=address, kafka=kafka)
            with tracing.told(settings, "views"), asyncio.Runner(
                    loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(
                    settings, kafka, addresses.topics(settings), opened,
                    on_ready=lambda: logger.info("views ready", url=address)))
    except (addresses.StackNotRunning, BrokerUnreachable, AddressTaken) as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(EXIT_MISSING) from error
    except ResultsUnreadable as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- as above
        raise typer.Exit(EXIT_UNREADABLE) from error
    logger.info("views ended", reason="told to stop")
