"""docker-compose.yml and the image it builds: valid, and true to the program they run."""

import copy
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.local.kafka import MESSAGE_BYTES_MAX
from scrutin import settings
from scrutin.main import COMMANDS


ROOT = Path(__file__).parents[2]
SCHEMA = json.loads(
    (ROOT / "tests/deploy/compose_specification/compose-spec.json").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _validate(document: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_the_file_obeys_the_compose_specification() -> None:
    """The file is valid under the Compose Specification's own schema."""
    _validate(COMPOSE)


def test_the_specification_would_refuse_a_misspelt_key() -> None:
    """The schema refuses what Compose would not understand: a passing check means something."""
    broken = copy.deepcopy(COMPOSE)
    broken["services"]["ledger"]["comand"] = ["ledger"]

    with pytest.raises(jsonschema.ValidationError):
        _validate(broken)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_with_a_valid_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each SCRUTIN_ variable names a setting, and the program accepts the values together."""
    environment = OURS[name]["environment"]
    known = {f"SCRUTIN_{field.upper()}" for field in settings.Settings.model_fields}
    for variable, value in environment.items():
        # As Compose does where the operator set nothing: the default.
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value))

    assert set(environment) <= known
    assert settings.load().kafka == "kafka:9092"


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_program(name: str) -> None:
    """Each of our services runs a command that the command line knows, under its own name."""
    assert OURS[name]["command"] == [name]
    assert (name,) in COMMANDS


def test_all_workers_of_the_service_are_there() -> None:
    """Nothing a running service needs is left out."""
    assert set(OURS) == {"provision", "ledger", "ideas", "patrol", "archive", "notary", "views",
                         "gateway"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "provision"])
def test_long_running_services_are_watched_and_restarted(name: str) -> None:
    """Whatever runs on is health-checked and restarted, and its logs cannot fill the disk."""
    service = SERVICES[name]

    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["logging"]["options"]["max-size"]


def test_what_is_waited_for_can_become_true() -> None:
    """A service waits for the end of the one-shot step, and for the health of the others."""
    for service in SERVICES.values():
        for name, condition in service.get("depends_on", {}).items():
            once = name == "provision"
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert condition["condition"] == wanted


def test_every_image_that_is_not_ours_is_named_by_version_and_digest() -> None:
    """What is run, and what ours is built on, are the same bytes at every start."""
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    bases = [
        re.sub(r"\$\{(\w+)\}", lambda name: re.findall(
            rf"^ARG {name[1]}=(\S+)", dockerfile, re.MULTILINE)[0], base)
        for base in re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)]

    assert len(images) >= 2
    assert len(bases) == 2
    for image in images + bases:
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", image)


def test_broker_and_database_are_reached_from_inside_alone() -> None:
    """Whoever can write to Kafka can write votes: only what is made for people has a port outside.
    """
    assert {name for name, service in SERVICES.items() if "ports" in service} <= {
        "gateway", "views"}


def test_data_is_in_named_volumes() -> None:
    """Another start finds the same data."""
    for name in ("kafka", "clickhouse"):
        volume, _, folder = SERVICES[name]["volumes"][0].partition(":")
        assert volume in COMPOSE["volumes"]
        assert folder.startswith("/var/lib/")


def test_the_broker_keeps_everything_and_takes_our_largest_record() -> None:
    """The broker's settings are those under which no vote is lost, as in the local stack."""
    environment = SERVICES["kafka"]["environment"]

    assert environment["KAFKA_LOG_RETENTION_MS"] == "-1"
    assert environment["KAFKA_LOG_RETENTION_BYTES"] == "-1"
    assert environment["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == str(MESSAGE_BYTES_MAX)
    assert SERVICES["kafka"]["volumes"][0].endswith(environment["KAFKA_LOG_DIRS"])


def test_the_image_holds_every_room() -> None:
    """The Dockerfile copies each package of the project, and .dockerignore lets it through."""
    included = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    rooms = {pattern.rstrip("*") for pattern in included}
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)) == rooms
    assert rooms <= {line.removeprefix("!") for line in ignored if line.startswith("!")}


def test_the_image_needs_nothing_of_the_local_stack() -> None:
    """The program starts without the packages of the `local` extra, which the image leaves out."""
    extra = PROJECT["project"]["optional-dependencies"]["local"]
    packages = [re.split(r"[^a-z0-9]", requirement)[0] for requirement in extra]
    program = (
        "import sys\n"
        f"for name in {packages!r}: sys.modules[name] = None\n"
        "from scrutin.main import application\n"
        "application()\n"
    )

    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)
