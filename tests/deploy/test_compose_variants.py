"""What is laid over docker-compose.yml: valid with it, and what it says it is. Not run here."""

import re
from typing import Any

import pytest
import yaml

from scrutin import settings
from tests.deploy.test_compose import COMPOSE, OURS, ROOT, SERVICES, _validate


FOLDER = ROOT / "deploy/compose"
VARIANTS: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yml"))}
MEGABYTES = {"m": 1, "g": 1024}
MACHINE_MEGABYTES = 8 * 1024
"""Of the smallest machine in docs/capacity.md."""


def _laid(under: Any, over: Any) -> Any:
    """Lay one file over another as Compose does: maps key by key, all else in its place."""
    if isinstance(under, dict) and isinstance(over, dict):
        return {**under, **{key: _laid(under.get(key), value) for key, value in over.items()}}
    return over


WHOLE = {name: _laid(COMPOSE, variant) for name, variant in VARIANTS.items()}


def test_the_variants_are_those_that_are_documented() -> None:
    """The operators' page names each."""
    page = (ROOT / "docs/operate.md").read_text("utf-8")

    assert {f"deploy/compose/{name}.yml" for name in VARIANTS} == set(
        re.findall(r"deploy/compose/\w+\.yml", page))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_obeys_the_compose_specification(name: str) -> None:
    """By itself and laid over the file, it is what Compose understands."""
    _validate(VARIANTS[name])
    _validate(WHOLE[name])


def test_limits_fit_the_smallest_machine() -> None:
    """Every service has a limit, and together they leave what does not run on at the end."""
    limited = WHOLE["limits"]["services"]
    sizes = {name: _megabytes(service["mem_limit"]) for name, service in limited.items()}

    assert set(sizes) == set(SERVICES)
    assert sum(sizes.values()) - sizes["provision"] <= MACHINE_MEGABYTES
    assert all(service["pids_limit"] and service["cpus"] for service in limited.values())


def _megabytes(text: str) -> int:
    return int(text[:-1]) * MEGABYTES[text[-1]]


def test_each_of_three_brokers_is_one_of_the_voters() -> None:
    """They are alike but for their names, and a vote needs two of them."""
    brokers = {name: service["environment"] for name, service in
               WHOLE["brokers"]["services"].items() if name.startswith("kafka")}
    voters = ",".join(f"{told['KAFKA_NODE_ID']}@{name}:9093" for name, told in brokers.items())

    assert len(brokers) == 3
    for name, told in brokers.items():
        assert told["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert told["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092"
        assert told["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert set(told) - {"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS"} == set(
            SERVICES["kafka"]["environment"]) - {"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS"}


@pytest.mark.parametrize("name", OURS)
def test_every_process_knows_three_brokers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are told all of them, and topics are made with three replicas."""
    for variable, value in WHOLE["brokers"]["services"][name]["environment"].items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value))
    found = settings.load()

    assert settings.unknown_names() == []
    assert (found.kafka.count(","), found.replication) == (2, 3)


def test_the_brokers_are_of_the_image_that_the_file_names() -> None:
    """One version of Kafka, by digest."""
    images = {service["image"] for name, service in WHOLE["brokers"]["services"].items()
              if name.startswith("kafka")}

    assert images == {SERVICES["kafka"]["image"]}


def test_prometheus_reads_the_rules_that_are_tried() -> None:
    """What it mounts lies in this repository, and it listens on this machine alone."""
    service = VARIANTS["prometheus"]["services"]["prometheus"]
    mounted = [volume.split(":")[0] for volume in service["volumes"]
               if volume.startswith("./deploy")]

    assert re.fullmatch(r"prom/prometheus:v[\d.]+@sha256:[0-9a-f]{64}", service["image"])
    assert mounted
    assert all((ROOT / path).is_file() for path in mounted)
    assert [port for port in service["ports"] if not port.startswith("127.0.0.1:")] == []
