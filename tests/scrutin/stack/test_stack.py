"""The local stack is composed from the settings, and its commands tell how it stands."""

import asyncio
import json
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from deploy.local.errors import PortTakenError
from deploy.local.kafka_probe import describe_brokers
from deploy.local.ports import LOOPBACK, HeldPorts
from deploy.local.status import read_status
from deploy.local.supervisor import Supervisor
from scrutin import addresses
from scrutin.commands.down import down
from scrutin.commands.status import status
from scrutin.commands.up import up
from scrutin.settings import Settings
from scrutin.stack.plan import ExplicitPorts, Stack, compose
from sinks.addresses import shown
from sinks.store import connect
from tests.deploy.local.children import WAIT_SECONDS, start_supervisor, wait_until


application = typer.Typer()
for command in (up, status, down):
    application.command()(command)


@pytest.fixture
def settings(tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give a test a data folder of its own, in the environment too."""
    monkeypatch.setenv("SCRUTIN_DATA_DIR", str(tmp_path))
    return Settings(data_dir=tmp_path, cache_dir=cache_folder)


def _names(stack: Stack) -> list[str]:
    return [specification.name for specification in stack.specifications]


def test_processes_come_in_the_order_of_their_needs(settings: Settings) -> None:
    """Broker and ClickHouse, then topics and tables, then who reads and writes them."""
    stack = compose(settings, ExplicitPorts(), HeldPorts())

    assert _names(stack) == [
        "kafka",
        "clickhouse",
        "provision",
        "ledger",
        "ideas",
        "patrol",
        "archive",
        "notary",
        "views",
        "gateway",
    ]
    assert set(stack.urls) == {"kafka", "clickhouse", "views", "gateway"}


def test_workers_are_told_where_everything_is(settings: Settings) -> None:
    """Each worker gets the addresses of this stack and a health port of its own."""
    stack = compose(settings, ExplicitPorts(), HeldPorts())
    workers = stack.specifications[3:]

    environments = [dict(worker.environment or {}) for worker in workers]
    for environment in environments:
        assert environment["SCRUTIN_KAFKA"] == stack.urls["kafka"]
        assert shown(environment["SCRUTIN_CLICKHOUSE_URL"]) == stack.urls["clickhouse"]
        assert environment["SCRUTIN_DATA_DIR"] == str(settings.data_dir)
    assert len({worker.address for worker in workers}) == 7
    for name in ("views", "gateway"):
        port = environments[-1][f"SCRUTIN_{name.upper()}_PORT"]
        assert stack.urls[name].endswith(f":{port}")


def test_what_the_settings_place_elsewhere_is_not_started(settings: Settings) -> None:
    """With a Kafka and a ClickHouse of its own a deployment runs the workers only."""
    elsewhere = settings.model_copy(
        update={"kafka": "kafka.internal:9092", "clickhouse_url": "http://clickhouse:8123"}
    )
    stack = compose(elsewhere, ExplicitPorts(), HeldPorts())

    assert _names(stack) == [
        "provision", "ledger", "ideas", "patrol", "archive", "notary", "views", "gateway"]
    assert stack.urls["kafka"] == "kafka.internal:9092"


def test_an_explicit_port_is_used_or_refused(settings: Settings) -> None:
    """A port the operator asked for is kept, and an error that names it if it is taken."""
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        port = server.getsockname()[1]
        server.listen()
        with pytest.raises(PortTakenError, match=f"Port {port} for kafka is already taken"):
            compose(settings, ExplicitPorts(kafka=port), HeldPorts())

    free = compose(settings, ExplicitPorts(kafka=port), HeldPorts())
    assert free.urls["kafka"] == f"{LOOPBACK}:{port}"


def _answers(settings: Settings, stack: Stack) -> bool:
    host, port = stack.urls["kafka"].split(":")
    with connect(addresses.clickhouse_url(settings), "default", create=False) as client:
        return bool(describe_brokers(host, int(port))) and client.command("SELECT 1") == 1


async def _run_once(settings: Settings) -> Mapping[str, str]:
    """Run broker and ClickHouse until they answer, and end them."""
    stack = compose(settings, ExplicitPorts(), HeldPorts())
    supervisor = Supervisor(
        settings.data_dir, stack.specifications[:2], urls=stack.urls, report=lambda _line: None
    )
    answers = []

    def ask() -> None:
        answers.append(_answers(settings, stack))
        supervisor.request_stop()

    await asyncio.wait_for(supervisor.run(ask), 2 * WAIT_SECONDS)
    assert answers == [True]
    return stack.urls


async def test_broker_and_clickhouse_resume_where_they_were(settings: Settings) -> None:
    """The real ones come up under the supervisor, end in order, and come up again the same.

    ClickHouse's password is the same too; `scrutin status --json` gives it, and neither the table
    of `scrutin status` nor any other file of the stack does.
    """
    first, second = await _run_once(settings), await _run_once(settings)

    assert first == second
    runner = CliRunner()
    document = json.loads(runner.invoke(application, ["status", "--json"]).stdout)
    password = document["clickhouse"]["password"]
    assert addresses.clickhouse_url(settings) == (
        f"http://scrutin:{password}@{first['clickhouse'].removeprefix('http://')}")
    assert document["clickhouse"]["url"] == first["clickhouse"]
    table = runner.invoke(application, ["status"]).stdout
    assert "clickhouse/password" in table
    assert password not in table
    holders = [path for path in settings.data_dir.rglob("*")
               if path.is_file() and password.encode() in path.read_bytes()]
    assert holders == [settings.data_dir / "clickhouse" / "password"]


def test_status_and_down_follow_a_running_stack(settings: Settings) -> None:
    """Status is 0 while all run and 1 afterwards; down ends the stack and may be repeated."""
    runner = CliRunner()
    with start_supervisor(settings.data_dir, "broker", "ledger") as supervisor:
        wait_until(lambda: read_status(settings.data_dir).all_running)
        table = runner.invoke(application, ["status"])
        document = runner.invoke(application, ["status", "--json"])
        ended = runner.invoke(application, ["down"])
        supervisor.wait(WAIT_SECONDS)
    afterwards = runner.invoke(application, ["status", "--json"])
    again = runner.invoke(application, ["down"])

    assert [done.exit_code for done in (table, document, ended, afterwards, again)] == [
        0, 0, 0, 1, 0]
    assert table.stdout.splitlines()[1].split() == [
        "process",
        "state",
        "pid",
        "restarts",
        "address",
    ]
    parsed = json.loads(document.stdout)
    assert (parsed["supervisor_pid"], [each["name"] for each in parsed["processes"]]) == (
        supervisor.pid, ["broker", "ledger"])
    assert (supervisor.returncode, json.loads(afterwards.stdout)["state"]) == (0, "stopped")
    assert "no stack runs" in again.stderr


@pytest.mark.parametrize("arguments", [["up"], ["up", "--detach"]])
def test_a_second_up_is_refused_with_the_way_out(settings: Settings, arguments: list[str]) -> None:
    """In the foreground or not, it names the running stack and the commands to use."""
    with start_supervisor(settings.data_dir, "broker") as supervisor:
        wait_until(lambda: read_status(settings.data_dir).all_running)
        refused = CliRunner().invoke(application, arguments)
        supervisor.terminate()

    assert refused.exit_code == 1
    assert f"already running in {settings.data_dir} (pid {supervisor.pid})" in refused.stderr
    assert "scrutin status" in refused.stderr
    assert "scrutin down" in refused.stderr


def test_status_before_the_first_start_says_how_to_start(settings: Settings) -> None:
    """An empty folder is not an error of its own, but nothing runs there."""
    answer = CliRunner().invoke(application, ["status"])

    assert answer.exit_code == 1
    assert "scrutin up" in answer.stdout
