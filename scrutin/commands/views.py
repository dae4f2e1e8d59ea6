"""`scrutin views`: show the results until told to stop."""

import asyncio

import structlog
import typer

from scrutin import bootstrap, log
from scrutin.settings import load
from sinks.transparency.serving import ServedLogs
from views.flushes import ResultsUnreadable
from views.reader import BrokerUnreachable, ResultsReader
from views.server import AddressTaken, listen, serve


def views() -> None:
    """Show the results: API and public pages, from the results topic. Ends on SIGTERM.

    Listens on SCRUTIN_VIEWS_HOST:SCRUTIN_VIEWS_PORT; /readyz says when everything has been read.
    Exit codes: 0 told to stop, 3 broker, topics or address missing, 5 results unreadable.
    """
    settings = load()
    log.configure(settings)
    logger = structlog.get_logger("views")
    try:
        kafka = bootstrap.kafka_address(settings)
        topics = bootstrap.topics(settings)
        reader = ResultsReader(kafka, topics)
        logs = ServedLogs(bootstrap.transparency_folder(settings), topics)
        with listen(settings.views_host, settings.views_port) as opened:
            port = opened.getsockname()[1]
            address = f"http://{settings.views_host}:{port}"
            logger.info("views listening", url=address, kafka=kafka)
            asyncio.run(serve(
                reader, opened, logs=logs,
                on_ready=lambda: logger.info("views ready", url=address)))
    except (bootstrap.StackNotRunning, BrokerUnreachable, AddressTaken) as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- a sentence, not a trace
        raise typer.Exit(3) from error
    except ResultsUnreadable as error:
        logger.error("views ended", reason=str(error))  # noqa: TRY400 -- as above
        raise typer.Exit(5) from error
    logger.info("views ended", reason="told to stop")
