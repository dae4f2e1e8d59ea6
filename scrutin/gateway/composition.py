"""Serve the gateway: its parts connected, in one process, until told to stop."""

import asyncio
import contextlib
import functools
import gc
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
import uvicorn
from starlette.routing import Route
from starlette.types import ASGIApp

from processors.guard.aside import SetAside
from producers.gateway.application import Gateway
from producers.gateway.booth import Booth
from producers.gateway.broker_time import BrokerTime
from producers.gateway.clock_watch import ClockWatch, steady
from producers.gateway.door import Door
from producers.gateway.door_counts import DoorCounts
from producers.gateway.follower import Follower
from producers.gateway.history import History
from producers.gateway.identity import Clock
from producers.gateway.key_watch import KeyWatch
from producers.gateway.keys import KeyFolder
from producers.gateway.ladder import Ladder
from producers.gateway.memory import Memory
from producers.gateway.meter import Meter
from producers.gateway.networks import Networks
from producers.gateway.operations import Addresses
from producers.gateway.outlet import Outlet
from producers.gateway.pools import Pools
from producers.gateway.raised_places import RaisedPlaces
from producers.gateway.rates import Rates
from producers.gateway.rereading import Rereader
from producers.gateway.work import Spent
from schemas import figures
from schemas.figures import Sample
from schemas.topics import Topics
from scrutin import addresses
from scrutin.gateway import readers
from scrutin.gateway.desk import GatewayDesk
from scrutin.gateway.receipt_checker import ReceiptChecker
from scrutin.process import health
from scrutin.process.background import Background
from scrutin.process.pulse import Pulse, beating
from scrutin.process.stopping import LastMoment
from scrutin.serving.forwarded import behind
from scrutin.serving.joined_writes import JoinedWrites
from scrutin.serving.traced import traced
from scrutin.settings import Settings
from scrutin.views.days import ask_archive
from scrutin.views.draw_costs import measure_draws
from scrutin.views.guesses import Guesses
from scrutin.workers.place import Place
from sinks.transparency.serving import ServedLogs
from views.api import Beside, application
from views.audience import Audience, Counted
from views.days import Days
from views.draining import Draining, Told
from views.flushes import Flushes, ResultsUnreadable
from views.guard.reader import TopicReader
from views.live import CLIENTS_MAX, Live
from views.operations.access import Access
from views.operations.pages import metrics
from views.pages import languages, rendering
from views.publications import Publications
from views.reader import BrokerUnreachable, ResultsReader
from views.server import Server
from views.transport import StrictTransport
from views.voting.everybody import Everybody


SHUTDOWN_SECONDS = 8
"""Longest wait for answers under way after being told to stop: more than an acknowledgement's, but
where a cluster has just lost a broker: then a connection ends, and its vote is sent again."""
SWITCH_SECONDS = 0.001
"""Longest turn of a thread that makes pages while votes wait; Python's own is five times that, and
a vote waits several times."""
GARBAGE_OBJECTS = 50_000
"""Containers made between two looks for garbage that points in circles: a vote makes some, hardly
ever in circles, and Python's own number, 700, is a look every few votes. Some MB wait at most."""
RETRY_SECONDS = 1.0
"""Pause before results are read again from a broker that went away."""


class PageSpeech:
    """The languages and catalogues of the pages, for the gateway's problems."""

    cookie = languages.COOKIE

    def language(self, asked: str | None, remembered: str | None, accepted: str | None) -> str:
        return languages.negotiate(asked, remembered, accepted)

    def translate(self, language: str, text: str) -> str:
        translated: str = languages.translations(language).gettext(text)
        return translated


@dataclass(frozen=True)
class FlushSnapshot:
    """One whole flush of a consultation's proposals, as sequences are chosen from."""

    offsets: tuple[int, ...]
    proposals: dict[str, bytes]
    routes: dict[str, bytes]
    """Since rules 2: how the votes of each came about."""


def newest(flushes: Flushes, consultation: str) -> FlushSnapshot:
    """Return the flush that was applied last."""
    applied = flushes.applied
    found: dict[str, dict[str, bytes]] = {"proposal": {}, "proposal_routes": {}}
    for name, value in flushes.figures(consultation).items():
        if name.kind in found:
            found[name.kind][name.id] = value
    return FlushSnapshot(applied.offsets if applied else (), *found.values())


def publics(keys: KeyFolder) -> list[bytes]:
    """Return the public keys of receipts that lie in a folder: the one that signs first."""
    return [key.public_key().public_bytes_raw() for key in keys.receipts]


def written_topics(topics: Topics) -> dict[str, int]:
    """Name the topics a gateway writes, with their partitions; of the catalogue its keys alone.

    What visitors make it write into one that is kept for ever is bounded (`gateway.kept`).
    """
    return {topics.votes: topics.partitions, topics.participants: 1, topics.sequences: 1,
            topics.networks: 1, topics.catalogue: 1}


async def _read_on(reader: ResultsReader) -> None:
    """Keep results up to date, over whatever becomes of the broker."""
    logger = structlog.get_logger("gateway")
    while True:
        try:
            await reader.read()
        except BrokerUnreachable as error:
            logger.warning("results cannot be read", reason=str(error))
        except ResultsUnreadable as error:
            # Votes go on where the catalogue can be read; what is shown stays as it was.
            logger.error(  # noqa: TRY400 -- a sentence, not a trace
                "results are read no more", reason=str(error))
            return
        await asyncio.sleep(RETRY_SECONDS)


@contextlib.asynccontextmanager
async def connected(
    settings: Settings, kafka: str, topics: Topics, told: Told | None = None,
    place: Place | None = None,
) -> AsyncIterator[tuple[ASGIApp, Live, Background]]:
    """Connect the parts: yields the application, live streams to close, and what goes on beside."""
    brokers = BrokerTime(time.time, steady)
    clock = brokers.now
    keys = KeyFolder(addresses.keys_folder(settings), clock)
    follower, audience = Follower(kafka, topics), Audience()
    reader, rates = ResultsReader(kafka, topics, rest=audience.rest), _rates(settings, keys)
    memory, days, meter, set_aside = Memory(), Days(), Meter(), SetAside()
    publications = _publications(settings, reader, days, clock)
    live = Live(reader.flushes, publications.documents)
    history = History(kafka, topics, memory, follower, gateways=settings.gateways)
    door = _door(settings, keys, memory)
    async with Outlet(kafka, written_topics(topics)) as outlet:
        rereader = Rereader(kafka, topics.votes, connected=lambda: outlet.connected)
        closing = contextlib.AsyncExitStack()
        closing.push_async_callback(rereader.close)
        networks = Networks(outlet, keys, topics.networks)
        booth = Booth(
            topics=topics, follower=follower, outlet=outlet, keys=keys, memory=memory,
            networks=networks, pools=Pools(follower, functools.partial(newest, reader.flushes)),
            time=brokers, gateways=settings.gateways, door=door)
        clocks = ClockWatch(kafka, topics.clocks, brokers)
        beside = Background((
            outlet.watch(), follower.follow(), history.follow(), _read_on(reader),
            networks.tidy(clock), booth.descriptions.run(clock), booth.doorkeeper.count(clock),
            KeyWatch(keys, follower, outlet, topics.catalogue, clocks.settled).run(clock),
            ask_archive(settings, reader.flushes, days, audience), rates.share(clock),
            TopicReader(kafka, topics.patrol, set_aside.take).read(), clocks.run(outlet),
            measure_draws(publications, reader.flushes), *([place.attend()] if place else []),
            *_heard(door, kafka, topics, follower, brokers), asyncio.to_thread(rendering.prepare)))
        async with closing, beside:
            def ready() -> bool:
                return all((booth.ready, reader.ready.is_set(), history.ready.is_set(),
                            not (told and told.begun)))

            desk = GatewayDesk(
                topics, booth, follower, keys, memory, rates, rereader, meter, brokers, set_aside)
            pages = application(reader, publications, live, _beside(
                settings, desk, topics, _guarded(
                    settings, lambda: (*health.common(settings, "gateway", ready=ready()),
                                       *_samples(live, outlet, meter, booth, brokers)),
                    ready, place, functools.partial(
                        readers.Door, rates=rates, clock=clock,
                        workers=settings.gateway_workers))))
            voting = Gateway(booth, keys, rates, PageSpeech(), meter, ready, clock,
                             Everybody(reader.flushes, publications.documents))
            yield Counted(voting.application(otherwise=pages), audience), live, beside


def _guarded(
    settings: Settings, says: Callable[[], Iterable[Sample]], ready: Callable[[], bool],
    place: Place | None, door: Callable[[ASGIApp], ASGIApp],
) -> Callable[[ASGIApp], ASGIApp]:
    """Put limits before pages, and figures beside them: of all workers, where there are several."""
    if place:
        place.stands(says, ready)
    told = Route("/metrics", metrics(
        Access(settings.operations_token), says, place.joined if place else None))
    return lambda pages: Guesses(
        Addresses([told], otherwise=door(pages)), workers=settings.gateway_workers)


def _publications(
    settings: Settings, reader: ResultsReader, days: Days, clock: Clock
) -> Publications:
    return Publications(
        reader.flushes, time.monotonic, days=days, address=settings.public_url,
        now=lambda: datetime.fromtimestamp(clock(), UTC))


def _beside(
    settings: Settings, desk: GatewayDesk, topics: Topics, guarded: Callable[[ASGIApp], ASGIApp]
) -> Beside:
    logs = ServedLogs(addresses.transparency_folder(settings), topics)
    checker = ReceiptChecker(publics(desk.keys)[0], logs, desk.topics,
                             held=functools.partial(publics, desk.keys))
    return Beside(
        desk=desk, receipts=checker, logs=logs, views_url=settings.views_url,
        security_contact=settings.security_contact, public_url=settings.public_url,
        guarded=guarded)


def _rates(settings: Settings, keys: KeyFolder) -> Rates:
    """Make the limits: this gateway's part of them, or shared with the others."""
    voter, network = settings.gateway_voter_rate, settings.gateway_network_rate
    if not settings.rates_url:
        return Rates(voter_per_minute=voter, network_per_minute=network,
                     gateways=settings.gateways)
    from producers.gateway.shared_rates import SharedRates  # noqa: PLC0415 -- Redis is an extra
    return SharedRates(
        settings.rates_url, voter_per_minute=voter, network_per_minute=network,
        gateways=settings.gateways, prefix=f"{settings.topic_prefix}:rates:",
        name=lambda address: keys.device.code(b"rates", address))


def _door(settings: Settings, keys: KeyFolder, memory: Memory) -> Door | None:
    if not settings.door:
        return None
    return Door(
        keys=keys, memory=memory, counts=DoorCounts(),
        ladder=Ladder(gateways=settings.gateways), spent=Spent())


def _heard(
    door: Door | None, kafka: str, topics: Topics, follower: Follower, brokers: BrokerTime
) -> Iterator[Coroutine[Any, Any, None]]:
    """Listen to what the patrol asks of the door, where there is one."""
    if door is not None:
        yield RaisedPlaces(
            kafka, topics.networks, door, milliseconds=brokers.milliseconds,
            accepts=lambda consultation, proposal: proposal in follower.proposals(consultation),
        ).follow()


def _samples(
    live: Live, outlet: Outlet, meter: Meter, booth: Booth, brokers: BrokerTime
) -> Iterator[Sample]:
    yield Sample(figures.LIVE_CLIENTS, live.clients)
    yield Sample(figures.LIVE_CLIENTS_MOST, CLIENTS_MAX)
    yield from outlet.samples(brokers.now())
    yield from meter.samples()
    yield from booth.samples()
    yield from brokers.samples()


def http_options() -> dict[str, Any]:
    """Return the options of uvicorn that a vote's cost depends on, and what a visitor may send.

    Without a log of its own, which would hold a line for each request that is none: what it says
    goes where repeats are left out (`scrutin.process.log`).
    """
    return {"interface": "asgi3", "http": JoinedWrites, "ws": "none", "log_level": "warning",
            "access_log": False,
            "lifespan": "off", "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
            "server_header": False, "log_config": None}


async def serve(
    settings: Settings, kafka: str, topics: Topics, opened: socket.socket, *,
    on_serving: Callable[[], None], place: Place | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until work beside it fails: raises BackgroundFailed.

    With a place it is one of several workers at its port.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()  # What a process is made of is no garbage: nobody needs to look at it again.
    gc.set_threshold(GARBAGE_OBJECTS)
    told = Told(ends=LastMoment(settings.stop_seconds).begin)
    async with beating(Pulse()), connected(
            settings, kafka, topics, told, place) as (both, live, beside):
        draining = Draining(StrictTransport(both, settings.hsts_seconds), told)
        server = Server((live,), uvicorn.Config(
            behind(traced(draining), settings.gateway_proxies), proxy_headers=False,
            **http_options()), draining, settings.drain_seconds)
        beside.stops(server.stop)
        on_serving()
        await server.serve_at(opened, place)
        beside.check()
