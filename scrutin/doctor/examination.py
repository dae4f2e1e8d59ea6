"""The whole examination: every question has its answer, and every wait an end."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterator
from typing import Any
from urllib.parse import unquote

from pydantic_core import ValidationError

from schemas import kafka_clients
from schemas.certificates import CertificateUnreadable
from schemas.kafka_access import SecretUnreadable, read_secret
from scrutin import addresses
from scrutin.doctor import clickhouse, here, kafka
from scrutin.doctor.answers import Answer, bad, good, unknown, without
from scrutin.settings import PREFIX, Settings, is_shown, load, unknown_names


DEADLINE_SECONDS = 60.0
"""Longest wait for all of Kafka, and for all of ClickHouse beside it."""
SETTINGS = "Correct it; docs/operate.md, Settings, says what each takes."


def examine(process: str | None = None) -> list[Answer]:
    """Look at everything that the settings name; nobody who is away is waited for long."""
    # Else Python prints what libraries say of whoever is away: we say it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        settings = load()
    except ValidationError as error:
        return [bad(name, said, SETTINGS) for name, said in _wrong(error)]
    except SecretUnreadable as error:
        return [bad("settings", str(error), SETTINGS)]
    answers = [*_names(), *here.examined(settings), *asyncio.run(_around(settings, process))]
    secrets = list(_secrets(settings))
    return [without(secrets, answer) for answer in answers]


def _wrong(error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors():
        name = "_".join(str(part) for part in fault["loc"])
        given = f" ({fault['input']!r})" if is_shown(name) else ""
        yield f"settings.{PREFIX}{name.upper()}", f"{fault['msg']}{given}"


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
        _within("clickhouse", asyncio.to_thread(_clickhouse, settings, of_clickhouse),
                of_clickhouse))
    return [*of_kafka, *of_clickhouse]


async def _within(about: str, work: Coroutine[Any, Any, None], found: list[Answer]) -> None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await work
    except TimeoutError:
        found.append(unknown(about, f"not all was answered within {DEADLINE_SECONDS:.0f} s",
                             "Look at the network between, then run this again."))


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
