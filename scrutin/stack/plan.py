"""The local stack: which processes run on this machine, in which order, at which addresses.

Broker and ClickHouse first, then the step that creates topics and tables, then the workers. What
the settings place elsewhere (`SCRUTIN_KAFKA`, `SCRUTIN_CLICKHOUSE_URL`) is not started here.
"""

import functools
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import clickhouse, health, kafka, kafka_runtime, waiting
from deploy.local.clickhouse import ClickHouseConfiguration
from deploy.local.kafka import BrokerConfiguration
from deploy.local.ports import LOOPBACK, HeldPorts, PortBook
from deploy.local.process import ProcessSpecification
from deploy.local.services import BROKER_STOP_SECONDS, CLICKHOUSE_STOP_SECONDS
from scrutin.process.patience import SURPLUS_SECONDS, ending_seconds
from scrutin.settings import Settings
from sinks.addresses import shown


# Workers that are ready when their health port says so, in the order of the data's way.
WORKERS = ("ledger", "ideas", "patrol", "archive", "notary")
# Whoever is asked by people, on a port of its own.
SERVERS = ("views", "gateway")
# A worker that folds a million decisions needs seconds; one that takes minutes is stuck.
WORKER_READY_SECONDS = 120.0
PROVISION_SECONDS = 60.0


@dataclass(frozen=True)
class ExplicitPorts:
    """Ports the operator asked for; 0: the stack chooses."""

    kafka: int = 0
    clickhouse: int = 0
    views: int = 0


@dataclass(frozen=True)
class Stack:
    """What to supervise, and where it can be reached."""

    specifications: tuple[ProcessSpecification, ...]
    urls: Mapping[str, str]
    """Addresses to be shown, without users and passwords."""


def compose(settings: Settings, explicit: ExplicitPorts, held: HeldPorts) -> Stack:
    """Choose ports and describe every process; call it while holding the data folder.

    Whatever of the stack is started again finds its port free while the ports are `held`.

    Prepares Kafka's runtime, which takes a while the first time on a machine. Raises a
    `MachineError` with its remedy.
    """
    folder = settings.data_folder
    ports = PortBook(folder / "ports.json").assign(_wanted(settings, explicit), held)
    services: list[ProcessSpecification] = []
    kafka_address, clickhouse_url = settings.kafka, settings.clickhouse_url
    if not kafka_address:
        broker = BrokerConfiguration(folder / "kafka", ports["kafka"], ports["kafka_controller"])
        services.append(_broker(broker, settings.cache_dir))
        kafka_address = broker.address
    if not clickhouse_url:
        house = ClickHouseConfiguration(folder / "clickhouse", ports["clickhouse"])
        services.append(_clickhouse(house))
        clickhouse_url = house.url
    views_url = f"http://{_reachable(settings.views_host)}:{ports['views']}"
    gateway_url = f"http://{_reachable(settings.gateway_host)}:{ports['gateway']}"
    urls = {"kafka": kafka_address, "clickhouse": shown(clickhouse_url), "views": views_url,
            "gateway": gateway_url}
    environment = _environment(settings, urls | {"clickhouse": clickhouse_url}, ports)
    provision = _provision(environment)
    # The workers need the services and that step, not one another: they start together.
    after = tuple(each.name for each in (*services, provision))
    running = [
        *(_worker(name, environment, ports[f"{name}_health"], settings, after) for name in WORKERS),
        *(_process(name, environment, urls[name], after=after,
                   ending_seconds=ending_seconds(settings, serves=True)) for name in SERVERS)]
    return Stack((*services, provision, *running), urls)


def _wanted(settings: Settings, explicit: ExplicitPorts) -> dict[str, int | None]:
    wanted: dict[str, int | None] = {
        "views": explicit.views or settings.views_port,
        "gateway": settings.gateway_port,
        **{f"{name}_health": None for name in WORKERS},
    }
    if not settings.kafka:
        wanted |= {"kafka": explicit.kafka, "kafka_controller": None}
    if not settings.clickhouse_url:
        wanted["clickhouse"] = explicit.clickhouse
    return wanted


def _environment(
    settings: Settings, urls: Mapping[str, str], ports: Mapping[str, int]
) -> dict[str, str]:
    return {
        **os.environ,
        "SCRUTIN_KAFKA": urls["kafka"],
        # Our own broker asks nobody for a name, whatever others ask for.
        "SCRUTIN_KAFKA_PROTOCOL": settings.kafka_access.protocol,
        "SCRUTIN_CLICKHOUSE_URL": urls["clickhouse"],
        "SCRUTIN_VIEWS_HOST": settings.views_host,
        "SCRUTIN_VIEWS_PORT": str(ports["views"]),
        "SCRUTIN_VIEWS_URL": urls["views"],
        "SCRUTIN_GATEWAY_HOST": settings.gateway_host,
        "SCRUTIN_GATEWAY_PORT": str(ports["gateway"]),
        "SCRUTIN_GATEWAY_URL": urls["gateway"],
        "SCRUTIN_GATEWAY_PROXIES": settings.gateway_proxies,
        "SCRUTIN_PUBLIC_URL": settings.public_url or urls["gateway"],
        "SCRUTIN_DATA_DIR": str(settings.data_folder),
        "SCRUTIN_INSTANCE": settings.instance,
    }


def _reachable(host: str) -> str:
    """Name the address by which this machine reaches a server that listens on `host`."""
    return LOOPBACK if host in {"", "0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound


def _broker(configuration: BrokerConfiguration, cache_folder: Path) -> ProcessSpecification:
    runtime = kafka_runtime.prepare(cache_folder)
    return ProcessSpecification(
        name="kafka",
        argv=kafka.broker_argv(configuration, runtime),
        ready=health.readiness(functools.partial(kafka.is_ready, configuration)),
        ready_seconds=waiting.READY_SECONDS,
        stop_seconds=BROKER_STOP_SECONDS,
        address=configuration.address,
        prepare=functools.partial(kafka.prepare_folder, configuration, runtime),
        explain=functools.partial(kafka.explain_failure, configuration),
    )


def _clickhouse(configuration: ClickHouseConfiguration) -> ProcessSpecification:
    return ProcessSpecification(
        name="clickhouse",
        argv=clickhouse.clickhouse_argv(configuration),
        ready=health.readiness(functools.partial(clickhouse.is_ready, configuration)),
        ready_seconds=waiting.READY_SECONDS,
        stop_seconds=CLICKHOUSE_STOP_SECONDS,
        address=configuration.address,
        after=(),
        prepare=functools.partial(clickhouse.prepare_folder, configuration),
        explain=functools.partial(clickhouse.explain_failure, configuration),
    )


def _provision(environment: Mapping[str, str]) -> ProcessSpecification:
    return ProcessSpecification(
        name="provision",
        argv=[*_command("provision"), "--make-keys"],
        environment=environment,
        ready_seconds=PROVISION_SECONDS,
        once=True,
    )


def _worker(
    name: str, environment: Mapping[str, str], port: int, settings: Settings,
    after: tuple[str, ...],
) -> ProcessSpecification:
    return _process(
        name, {**environment, "SCRUTIN_HEALTH_PORT": str(port)}, f"http://{LOOPBACK}:{port}",
        after=after, ending_seconds=ending_seconds(settings, serves=False))


def _process(
    name: str, environment: Mapping[str, str], url: str, *, after: tuple[str, ...],
    ending_seconds: float,
) -> ProcessSpecification:
    return ProcessSpecification(
        name=name,
        argv=_command(name),
        environment=environment,
        after=after,
        ready=_ready_at(f"{url}/readyz"),
        ready_seconds=WORKER_READY_SECONDS,
        stop_seconds=ending_seconds + SURPLUS_SECONDS,
        address=url,
    )


def _ready_at(url: str) -> health.Ready:
    return health.readiness(functools.partial(health.answers, url))


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", "scrutin", name]
