"""The composition root: settings in, connected parts out."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.local.clickhouse import ClickHouseConfiguration
from schemas.topics import Topics
from scrutin.settings import Settings


class StackNotRunning(Exception):
    """An address is neither set nor known from a local stack."""


def topics(settings: Settings) -> Topics:
    """Name the topics of the generation the settings choose."""
    return Topics(settings.topic_prefix, settings.partitions)


def kafka_address(settings: Settings) -> str:
    """Return the broker's address: as set, else that of the local stack."""
    return settings.kafka or _local_url(settings, "kafka", "SCRUTIN_KAFKA=host:port")


def clickhouse_url(settings: Settings) -> str:
    """Return ClickHouse's URL, with its password: as set, else that of the local stack."""
    if settings.clickhouse_url:
        return settings.clickhouse_url
    url = _local_url(
        settings, "clickhouse", "SCRUTIN_CLICKHOUSE_URL=http://user:password@host:port")
    local = local_clickhouse(settings)
    return url if local is None else local.url


def local_clickhouse(settings: Settings) -> ClickHouseConfiguration | None:
    """Return the ClickHouse that the local stack runs; None where it runs none."""
    processes = (local_state(settings) or {}).get("processes", ())
    return next(
        (ClickHouseConfiguration(clickhouse_folder(settings), urlsplit(each["address"]).port or 0)
         for each in processes if each["name"] == "clickhouse"), None)


def clickhouse_folder(settings: Settings) -> Path:
    """Name the folder of the local stack's ClickHouse."""
    return settings.data_folder / "clickhouse"


def operations_processes(settings: Settings) -> dict[str, str]:
    """Name the processes that give /metrics, with their addresses: as set, else the local stack's.

    Not the views, which ask, nor ClickHouse, of which the archive speaks.
    """
    if settings.operations_processes:
        pairs = (each.partition("=") for each in settings.operations_processes.split(",") if each)
        return {name: address.rstrip("/") for name, _, address in pairs}
    state = local_state(settings) or {}
    return {
        process["name"]: process["address"] for process in state.get("processes", ())
        if process["address"].startswith("http") and process["name"] not in ("views", "clickhouse")
    }


def keys_folder(settings: Settings) -> Path:
    """Name the folder of the gateway's keys."""
    return settings.data_folder / "keys"


def control_keys_folder(settings: Settings) -> Path:
    """Name the folder of the private keys that controls are signed with."""
    if settings.control_keys:
        return Path(settings.control_keys).expanduser().resolve()
    return keys_folder(settings) / "control"


def log_keys_folder(settings: Settings) -> Path:
    """Name the folder of the keys of the transparency logs."""
    return settings.data_folder / "keys" / "transparency"


def transparency_folder(settings: Settings) -> Path:
    """Name the folder of the transparency logs, which the notary writes and the views serve."""
    return settings.data_folder / "transparency"


def local_state(settings: Settings) -> dict[str, Any] | None:
    """Read the state file of the local stack; None where none was started."""
    try:
        state: dict[str, Any] = json.loads((settings.data_folder / "stack.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state


def _local_url(settings: Settings, name: str, hint: str) -> str:
    state = local_state(settings)
    url = (state or {}).get("urls", {}).get(name)
    if not url:
        raise StackNotRunning(
            f"no local stack is known in {settings.data_folder} and no address is set. Start one "
            f"with `scrutin up`, or set {hint}."
        )
    return str(url)
