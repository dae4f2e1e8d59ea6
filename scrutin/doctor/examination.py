"""The whole examination: every question has its answer, and every wait an end."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import unquote

from pydantic_core import ValidationError

from schemas import kafka_clients
from schemas.certificates import CertificateUnreadable
from schemas.kafka_access import SecretUnreadable, read_secret
from scrutin import addresses
from scrutin.doctor import clickhouse, here, kafka
from scrutin.doctor.answers import Answer, bad, good, short, unknown, without
from scrutin.refused_settings import refusals
from scrutin.settings import Settings, is_shown, load, unknown_names


DEADLINE_SECONDS = 60.0
"""Longest wait for all of Kafka, and for all of ClickHouse beside it."""
SAID_CHARACTERS = 600
"""Of an answer that is shown: what is quoted may be a page of whoever listens there."""
LOOK = "Look at the network between, then run this again."
SETTINGS = "Correct it; docs/operate.md, Settings, says what each takes."


def examine(process: str | None = None) -> list[Answer]:
    """Look at everything that the settings name; nobody who is away is waited for long."""
    # Else Python prints what libraries say of whoever is away: we say it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        settings = load()
    except ValidationError as error:
        return [bad(f"settings.{name}", f"{said} ({value})" if value else said, SETTINGS)
                for name, value, said in refusals(error)]
    except SecretUnreadable as error:
        return [bad("settings", str(error), SETTINGS)]
    answers = [*_names(), *here.examined(settings), *asyncio.run(_around(settings, process))]
    secrets = list(_secrets(settings))
    return [short(without(secrets, answer), SAID_CHARACTERS) for answer in answers]


def _names() -> Iterator[Answer]:
    names = unknown_names()
    yield bad("settings", f"{', '.join(names)}: no setting has this name",
              "Correct the name or remove it: it has no effect.") if names else good(
        "settings", "they can be read, and each name is one of ours")


def _secrets(settings: Settings) -> Iterator[str]:
    """Name what must not be shown: what libraries say may quote it."""
    for name in Settings.model_fields:
        if not is_shown(name):
            value = str(getattr(settings, name))
            password = value.rpartition("@")[0].rpartition("://")[2].partition(":")[2]
            yield from (password, unquote(password)) if "://" in value else (value, password)
    if settings.kafka_token:
        with contextlib.suppress(SecretUnreadable):
            yield read_secret(settings.kafka_token)


async def _around(settings: Settings, process: str | None) -> list[Answer]:
    of_kafka: list[Answer] = []
    of_clickhouse: list[Answer] = []
    await asyncio.gather(
        _within("kafka", _kafka(settings, process, of_kafka), of_kafka),
        _within("clickhouse", _beside(lambda: _clickhouse(settings, of_clickhouse)),
                of_clickhouse))
    return [*of_kafka, *of_clickhouse]


async def _within(about: str, work: Coroutine[Any, Any, None], found: list[Answer]) -> None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await work
    except TimeoutError:
        found.append(unknown(about, f"not all was answered within {DEADLINE_SECONDS:.0f} s", LOOK))
    except MemoryError:
        found.append(unknown(about, "what was answered is larger than any answer of theirs: "
                             "somebody else listens there", LOOK))


async def _beside(work: Callable[[], None]) -> None:
    """Work in a thread that nobody waits for once this is cancelled, not even the end of all.

    Each read of a client has its bound; whoever answers a byte at a time keeps within it for ever.
    """
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def end(error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 -- it is raised where it is waited for
            error = raised
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            loop.call_soon_threadsafe(end, error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    error = await ended
    if error is not None:
        raise error


async def _kafka(settings: Settings, process: str | None, found: list[Answer]) -> None:
    try:
        address = addresses.kafka_address(settings)
        kafka_clients.secure(settings.kafka_access)
    except addresses.StackNotRunning as error:
        found.append(bad("kafka.address", str(error), kafka.START))
        return
    except (SecretUnreadable, CertificateUnreadable) as error:
        found.append(bad("kafka.secret", str(error), SETTINGS))
        return
    async for answer in kafka.examined(settings, address, addresses.topics(settings), process):
        found.append(answer)  # noqa: PERF401 -- what came before the deadline stays


def _clickhouse(settings: Settings, found: list[Answer]) -> None:
    try:
        url = addresses.clickhouse_url(settings)
    except addresses.StackNotRunning as error:
        found.append(bad("clickhouse.address", str(error), "Set SCRUTIN_CLICKHOUSE_URL."))
        return
    found.extend(clickhouse.examined(
        url, settings.clickhouse_database, settings.clickhouse_trust))
