"""`scrutin views`: show the results until told to stop."""

import asyncio
import socket
import time
from collections.abc import Callable

import structlog
import typer
import uvloop

from schemas.exit_codes import EXIT_MISSING, EXIT_UNREADABLE
from scrutin import addresses
from scrutin.process import descriptors, health, log
from scrutin.serving.forwarded import behind
from scrutin.serving.joined_writes import JoinedWrites
from scrutin.settings import Settings, load
from scrutin.views.days import ask_archive
from scrutin.views.guesses import Guesses
from sinks.transparency.serving import ServedLogs
from views.api import Beside
from views.days import Days
from views.flushes import ResultsUnreadable
from views.operations.collector import Collector
from views.operations.pages import Operations
from views.publications import Publications
from views.reader import BrokerUnreachable, ResultsReader
from views.server import AddressTaken, Front, listen, serve


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
        topics = addresses.topics(settings)
        reader = ResultsReader(kafka, topics)
        collector = Collector(
            kafka, topics, reader, token=settings.operations_token,
            processes=addresses.operations_processes(settings), data_folder=settings.data_folder,
            itself=lambda: health.common(settings, "views", ready=reader.ready.is_set()))
        operations = Operations(collector, settings.operations_token)
        with listen(settings.views_host, settings.views_port) as opened:
            port = opened.getsockname()[1]
            address = f"http://{settings.views_host}:{port}"
            logger.info("views listening", url=address, kafka=kafka)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_serve(settings, reader, opened, operations, on_ready=lambda:
                    logger.info("views ready", url=address)))
    except (addresses.StackNotRunning, BrokerUnreachable, AddressTaken) as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(EXIT_MISSING) from error
    except ResultsUnreadable as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- as above
        raise typer.Exit(EXIT_UNREADABLE) from error
    logger.info("views ended", reason="told to stop")


async def _serve(
    settings: Settings, reader: ResultsReader, opened: socket.socket, operations: Operations, *,
    on_ready: Callable[[], None],
) -> None:
    days = Days()
    publications = Publications(
        reader.flushes, time.monotonic, days=days, address=settings.public_url)
    beside = Beside(
        logs=ServedLogs(addresses.transparency_folder(settings), addresses.topics(settings)),
        gateway_url=settings.gateway_url, guarded=Guesses,
        security_contact=settings.security_contact, public_url=settings.public_url)
    asking = asyncio.create_task(ask_archive(settings, reader.flushes, days))
    try:
        await serve(reader, opened, publications, operations, beside, on_ready=on_ready,
                    front=Front(JoinedWrites, lambda app: behind(app, settings.views_proxies),
                                settings.hsts_seconds))
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
