"""Serve the views: their parts connected, in one process, until told to stop."""

import functools
import socket
import time
from collections.abc import Callable

from processors.guard.published import Findings
from schemas.topics import Topics
from scrutin import addresses
from scrutin.process import health
from scrutin.process.pulse import Pulse
from scrutin.process.stopping import LastMoment
from scrutin.serving.forwarded import behind
from scrutin.serving.joined_writes import JoinedWrites
from scrutin.serving.traced import traced
from scrutin.settings import Settings
from scrutin.views.days import ask_archive
from scrutin.views.draw_costs import measure_draws
from scrutin.views.guesses import Guesses
from scrutin.views.recounts import look_at_recounts
from scrutin.workers.place import Place
from sinks.transparency.serving import ServedLogs
from views import server
from views.api import Beside
from views.audience import Audience, Counted
from views.days import Days
from views.draining import Told
from views.guard.kept import Kept
from views.guard.reader import TopicReader
from views.guard.routes import Guard
from views.operations.collector import Collector
from views.operations.pages import Operations
from views.publications import Publications
from views.reader import ResultsReader


async def serve(
    settings: Settings, kafka: str, topics: Topics, opened: socket.socket, *,
    on_ready: Callable[[], None], place: Place | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; raises BrokerUnreachable or ResultsUnreadable.

    With a place it is one of several workers at its port.
    """
    audience, told = Audience(), Told(ends=LastMoment(settings.stop_seconds).begin)
    reader = ResultsReader(kafka, topics, rest=audience.rest)
    days, kept = Days(), Kept(settings.data_folder)
    guard = Guard(recount_of=kept.of)
    publications = Publications(
        reader.flushes, time.monotonic, days=days, address=settings.public_url)
    beside = Beside(
        guard=guard,
        logs=ServedLogs(addresses.transparency_folder(settings), topics),
        gateway_url=settings.gateway_url, guarded=functools.partial(
            Guesses, workers=settings.views_workers),
        security_contact=settings.security_contact, public_url=settings.public_url)
    operations = _operations(settings, kafka, topics, reader, guard.findings, told, place)
    await server.serve(
        reader, opened, publications, operations, beside,
        on_ready=on_ready, front=server.Front(
            JoinedWrites,
            lambda app: behind(Counted(traced(app), audience), settings.views_proxies),
            settings.hsts_seconds, drain_seconds=settings.drain_seconds, told=told, place=place,
            works=(
                ask_archive(settings, reader.flushes, days, audience, guard.door),
                measure_draws(publications, reader.flushes),
                TopicReader(kafka, topics.patrol, guard.findings.take).read(),
                look_at_recounts(kept), Pulse().beat(), *([place.attend()] if place else []))))


def _operations(
    settings: Settings, kafka: str, topics: Topics, reader: ResultsReader, findings: Findings,
    told: Told, place: Place | None,
) -> Operations:
    def ready() -> bool:
        return reader.ready.is_set() and not told.begun

    collector = Collector(
        kafka, topics, reader, token=settings.operations_token,
        processes=addresses.operations_processes(settings), data_folder=settings.data_folder,
        itself=lambda: health.common(settings, "views", ready=ready()))
    found = Operations(
        collector, settings.operations_token, findings, place.joined if place else None)
    if place:
        place.stands(found.samples, ready)
    return found
