"""Start the ClickHouse process from outside: command line, readiness, why it failed.

Seen from here it is a server: a folder, a port, an HTTP interface. Inside: `clickhouse_http`.
"""

import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.local import child, clickhouse_password
from deploy.local.errors import DiskFullError, PortTakenError, ProcessFailedError
from deploy.local.ports import LOOPBACK, require_free
from deploy.local.waiting import until_ready
from deploy.machine.errors import FolderHeldError, MachineError
from deploy.machine.locks import holder_pid


PING_TIMEOUT_SECONDS = 2.0
PORT_REMEDY = "choose another one (without a choice a free one is found)"


@dataclass(frozen=True)
class ClickHouseConfiguration:
    """Where ClickHouse keeps its data and listens."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """Where it listens, to be shown: without the password."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def password(self) -> str:
        """The password of this folder; made where there is none."""
        return clickhouse_password.password_of(self.folder)

    @property
    def password_path(self) -> Path:
        return self.folder / clickhouse_password.PASSWORD_FILE

    @property
    def headers(self) -> dict[str, str]:
        """What its clients say of themselves where they do not use the URL."""
        return {"X-ClickHouse-User": clickhouse_password.USER, "X-ClickHouse-Key": self.password}

    @property
    def url(self) -> str:
        """Where its clients find it, with user and password: never to be shown or logged."""
        return f"http://{clickhouse_password.USER}:{self.password}@{LOOPBACK}:{self.port}"


def clickhouse_argv(configuration: ClickHouseConfiguration) -> list[str]:
    module = "deploy.local.clickhouse_process"
    return [sys.executable, "-m", module, str(configuration.folder), str(configuration.port)]


def prepare_folder(configuration: ClickHouseConfiguration) -> None:
    """Check the port before anything is started; make the folder and its password."""
    require_free(configuration.port, "ClickHouse", PORT_REMEDY)
    clickhouse_password.password_of(configuration.folder)


def is_ready(configuration: ClickHouseConfiguration) -> bool:
    """Tell whether the engine answers a query."""
    try:
        question = urllib.request.Request(  # noqa: S310 - always http
            f"{configuration.address}/?query=SELECT%201", headers=configuration.headers)
        with urllib.request.urlopen(question, timeout=PING_TIMEOUT_SECONDS) as answer:  # noqa: S310 - always http
            return bool(answer.read() == b"1\n")
    except (urllib.error.URLError, OSError):
        return False


def explain_failure(
    configuration: ClickHouseConfiguration, log_path: Path, what: str
) -> MachineError:
    """Turn a dead process's log into the error that names the cause and the remedy."""
    log_tail = child.tail(log_path)
    for line in log_tail.splitlines():
        if line.startswith("ClickHouse folder held by another process"):
            return FolderHeldError(line, holder_pid(configuration.folder / "holder.lock"))
    if "address already in use" in log_tail.lower():
        return PortTakenError(configuration.port, "ClickHouse", PORT_REMEDY)
    if "No space left on device" in log_tail:
        return DiskFullError(configuration.folder, "ClickHouse reported: No space left on device")
    return ProcessFailedError("ClickHouse", what, log_path, log_tail)


def wait_until_ready(
    process: subprocess.Popen[bytes], configuration: ClickHouseConfiguration, log_path: Path
) -> None:
    """Wait for the first answer; raise what the log explains if the process dies or is late."""
    until_ready(
        "ClickHouse", process, log_path, is_ready=lambda: is_ready(configuration),
        explain=lambda what: explain_failure(configuration, log_path, what))
