"""What is laid over docker-compose.yml: valid with it, alone and together, and what it says it is.

Not run here: tests/production/test_containers.py brings some of it up.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.accounts import ACCOUNTS
from scrutin import settings
from tests.deploy.test_compose import COMPOSE, OURS, ROOT, SERVICES, _validate


FOLDER = ROOT / "deploy/compose"
TAKEN_AWAY = object()


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `!reset` takes away what lies below."""


Loader.add_constructor("!reset", lambda _loader, _node: TAKEN_AWAY)
VARIANTS: dict[str, dict[str, Any]] = {
    path.stem: yaml.load(path.read_text("utf-8"), Loader)
    for path in sorted(FOLDER.glob("*.yml"))}
CHOICES = ("tls", "brokers", "limits", "prometheus")
"""What an operator chooses, in the order in which it is laid."""
MEGABYTES = {"m": 1, "g": 1024}
MACHINE_MEGABYTES = 8 * 1024
"""Of the smallest machine in docs/capacity.md."""
ONE_SHOTS = {"provision", "acls", "permissions"}
"""Services that end before the others begin."""
LOCKED = re.compile(r"\$\{SCRUTIN_LOCKED:-\./locked\}/([a-z.-]+)")


def _laid(under: Any, over: Any) -> Any:
    """Lay one file over another as Compose does: maps key by key, lists end to end."""
    if isinstance(under, dict) and isinstance(over, dict):
        found = {**under, **{key: _laid(under.get(key), value) for key, value in over.items()}}
        return {key: value for key, value in found.items() if value is not TAKEN_AWAY}
    if isinstance(under, list) and isinstance(over, list) and not _is_command(over):
        return under + over
    return over


def _is_command(words: list[Any]) -> bool:
    """Tell what is run from what is listed: a check of health takes the other's place."""
    return bool(words) and words[0] in {"CMD", "CMD-SHELL"}


def _files(chosen: tuple[str, ...]) -> list[str]:
    """Name the files of a choice, as their heads say."""
    files = [each for each in CHOICES if each in chosen]
    if {"brokers", "tls"} <= {*chosen}:
        files.insert(2, "brokers-tls")
    return files


def _whole(chosen: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE
    for name in _files(chosen):
        found = _laid(found, VARIANTS[name])
    return found


WHOLE = {chosen: _whole(chosen) for size in range(len(CHOICES) + 1)
         for chosen in itertools.combinations(CHOICES, size)}
"""Every choice there is."""
LIMITED = [chosen for chosen in WHOLE if "limits" in chosen]
BROKERED = [chosen for chosen in WHOLE if "brokers" in chosen]
BY_TLS = [chosen for chosen in WHOLE if "tls" in chosen]


def _brokers(whole: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {name: service["environment"] for name, service in whole["services"].items()
            if name.startswith("kafka")}


def test_the_variants_are_those_that_are_documented() -> None:
    """The operators' page names each, and each can be chosen."""
    page = (ROOT / "docs/operate.md").read_text("utf-8")

    assert {f"deploy/compose/{name}.yml" for name in VARIANTS} == set(
        re.findall(r"deploy/compose/[\w-]+\.yml", page))
    assert {name for chosen in WHOLE for name in _files(chosen)} == VARIANTS.keys()


def test_what_takes_away_is_laid_first() -> None:
    """Compose takes nothing away from a map that a file between has touched: a password stayed."""
    taking = [path.stem for path in FOLDER.glob("*.yml") if "!reset" in path.read_text("utf-8")]

    assert taking == [CHOICES[0]]


@pytest.mark.parametrize("chosen", WHOLE)
def test_every_choice_obeys_the_compose_specification(chosen: tuple[str, ...]) -> None:
    """Laid over one another, the files are what Compose understands, and name what is there."""
    whole = WHOLE[chosen]
    services = whole["services"]

    _validate(whole)
    for service in services.values():
        assert service["image"]
        assert service.get("depends_on", {}).keys() <= services.keys()
        for name, waited in service.get("depends_on", {}).items():
            assert (waited["condition"] == "service_completed_successfully") == (name in ONE_SHOTS)
        assert {volume.split(":")[0] for volume in service.get("volumes", ())
                if volume[0] not in "./$"} <= whole["volumes"].keys()
        assert _secrets(service).keys() <= whole.get("secrets", {}).keys()
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("chosen", WHOLE)
def test_what_runs_on_is_watched_restarted_and_bounded(chosen: tuple[str, ...]) -> None:
    """Whatever was added is looked after as the rest, and its log cannot fill the disk."""
    for name, service in WHOLE[chosen]["services"].items():
        assert service["logging"]["options"]["max-size"], name
        if name not in {*ONE_SHOTS, "operator"}:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


@pytest.mark.parametrize("chosen", LIMITED)
def test_every_service_has_limits(chosen: tuple[str, ...]) -> None:
    """Also those that another file adds; together they leave what does not run on at the end."""
    services = WHOLE[chosen]["services"]
    sizes = {name: _megabytes(service["mem_limit"]) for name, service in services.items()}
    lasting = sum(size for name, size in sizes.items() if name not in {*ONE_SHOTS, "operator"})
    more = sum(sizes.get(name, 0) for name in ("kafka-2", "kafka-3", "prometheus"))

    assert all(service["pids_limit"] and service["cpus"] for service in services.values())
    assert lasting - more <= MACHINE_MEGABYTES
    assert len({(services[name]["mem_limit"], services[name]["cpus"], told["KAFKA_HEAP_OPTS"])
                for name, told in _brokers(WHOLE[chosen]).items()}) == 1


def _megabytes(text: str) -> int:
    return int(text[:-1]) * MEGABYTES[text[-1]]


@pytest.mark.parametrize("chosen", BROKERED)
def test_each_of_three_brokers_is_one_of_the_voters(chosen: tuple[str, ...]) -> None:
    """Each is reached by its own name, and a vote needs two of them."""
    services, brokers = WHOLE[chosen]["services"], _brokers(WHOLE[chosen])
    voters = ",".join(f"{told['KAFKA_NODE_ID']}@{name}:9093" for name, told in brokers.items())
    listener = "LOCKED" if "tls" in chosen else "PLAINTEXT"

    assert len(brokers) == 3
    for name, told in brokers.items():
        assert told["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert told["KAFKA_ADVERTISED_LISTENERS"] == f"{listener}://{name}:9092"
        assert told["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert f"--bootstrap-server {name}:9092 " in services[name]["healthcheck"]["test"][1]


@pytest.mark.parametrize("chosen", BROKERED)
def test_three_brokers_are_alike_but_for_their_names(chosen: tuple[str, ...]) -> None:
    """They are of one version of Kafka, and are told the same and shown the same secrets."""
    services, brokers = WHOLE[chosen]["services"], _brokers(WHOLE[chosen])
    own = {"KAFKA_NODE_ID", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS",
           "KAFKA_HEAP_OPTS"}

    for name, told in brokers.items():
        assert {key: value for key, value in told.items() if key not in own} == {
            key: value for key, value in brokers["kafka"].items() if key not in own}
        assert services[name]["image"] == SERVICES["kafka"]["image"]
        assert _secrets(services[name]) == _secrets(services["kafka"])


@pytest.mark.parametrize("chosen", WHOLE)
def test_the_program_takes_what_every_choice_tells_it(
    chosen: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All variables are settings; everybody knows all brokers, and how they are spoken to."""
    services = WHOLE[chosen]["services"]
    for name in [*OURS, *(["operator"] if "tls" in chosen else [])]:
        with monkeypatch.context() as environment:
            for variable, value in services[name]["environment"].items():
                environment.setenv(variable, _lying_here(value, tmp_path))
            found = settings.load()
            assert settings.unknown_names() == []
        brokers = 3 if "brokers" in chosen else 1
        assert (found.kafka.count(",") + 1, found.replication) == (brokers, brokers)
        assert found.kafka_protocol == ("SASL_SSL" if "tls" in chosen else "PLAINTEXT")


def _lying_here(value: str, folder: Path) -> str:
    """Say what Compose would where nothing is set, and have a secret's file lie in a folder."""
    if not value.startswith("/run/secrets/"):
        return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value)
    path = folder / Path(value).name
    path.write_text("https://user:word@house:8443")
    return str(path)


def _secrets(service: dict[str, Any]) -> dict[str, str]:
    """Return the secrets of a service, and where it finds each."""
    return {each if isinstance(each, str) else each["source"]:
            f"/run/secrets/{each if isinstance(each, str) else each['target']}"
            for each in service.get("secrets", ())}


@pytest.mark.parametrize("chosen", BY_TLS)
def test_each_process_has_an_account_of_its_own(chosen: tuple[str, ...]) -> None:
    """Its name is the one that `scrutin acls` prints; nobody finds the password of another."""
    services = WHOLE[chosen]["services"]
    for name in [*OURS, "operator"]:
        told, found = services[name]["environment"], _secrets(services[name])
        assert told["SCRUTIN_KAFKA_USERNAME"] == f"scrutin-{name}"
        assert found[f"{name}.password"] == told["SCRUTIN_KAFKA_PASSWORD_FILE"]
        assert sum(source.endswith(".password") for source in found) == 1
        named = {value for value in told.values() if value.startswith("/run/secrets/")}
        assert named == set(found.values())
    assert {*OURS, "operator"} == ACCOUNTS.keys() - {"restore"}


@pytest.mark.parametrize("chosen", BY_TLS)
def test_with_tls_nobody_speaks_in_clear(chosen: tuple[str, ...]) -> None:
    """No broker has another door, ClickHouse no other port, and no password is in a variable."""
    whole = WHOLE[chosen]
    for told in _brokers(whole).values():
        doors = re.findall(r"(\w+):(\w+)", told["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"])
        assert {protocol for _, protocol in doors} == {"SASL_SSL"}
        assert set(re.findall(r"(\w+)://", told["KAFKA_LISTENERS"])) == {name for name, _ in doors}
    assert "<http_port remove=" in (FOLDER / "clickhouse-tls.xml").read_text("utf-8")
    for name, service in whole["services"].items():
        for variable, value in service.get("environment", {}).items():
            assert "CLICKHOUSE_PASSWORD" not in value, (name, variable)
            assert variable not in {"CLICKHOUSE_PASSWORD", "SCRUTIN_OPERATIONS_TOKEN"}, name


@pytest.mark.parametrize("chosen", BY_TLS)
def test_by_tls_every_broker_is_believed_under_its_own_name(chosen: tuple[str, ...]) -> None:
    """The certificate that they share names each; who asks one of them, or grants, is the brokers'
    own account, and nothing is granted before all are there.
    """
    services, names = WHOLE[chosen]["services"], _brokers(WHOLE[chosen]).keys()
    script = (FOLDER / "secrets.sh").read_text("utf-8")
    certified = re.findall(r"^ *signed kafka (\S+)$", script, re.MULTILINE)[0]
    granting = services["permissions"]
    admin = granting["environment"]["ADMIN"]

    assert {f"DNS:{name}" for name in names} <= {*certified.split(",")}
    assert granting["depends_on"].keys() == {"acls", *names}
    assert granting["environment"]["KAFKA"] == ",".join(f"{name}:9092" for name in names)
    assert _secrets(granting)["kafka-client.properties"] == admin
    for name in names:
        assert f" --command-config {admin} " in services[name]["healthcheck"]["test"][1]
        assert _secrets(services[name])["kafka-client.properties"] == admin


def test_the_command_makes_every_secret_that_is_asked_for() -> None:
    """And an account on Kafka for each process that has a password; none is copied into an image.
    """
    script = (FOLDER / "secrets.sh").read_text("utf-8")
    accounts = re.findall(r"for process in (.*?); do", script)
    made = {f"{name}.password" for name in accounts[0].split()} | set(
        re.findall(r"[a-z-]+\.(?:pem|properties|password|url|token|crt|key)\b", script)) | {
        "clickhouse.crt", "clickhouse.key"}
    asked = {LOCKED.fullmatch(each["file"]) for each in VARIANTS["tls"]["secrets"].values()}

    assert {name and name[1] for name in asked} <= made
    assert {*accounts[0].split()} == {*OURS, "operator"}
    assert "locked/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert "!locked" not in (ROOT / ".dockerignore").read_text("utf-8")


def test_prometheus_reads_the_rules_that_are_tried() -> None:
    """What it mounts lies in this repository, and its image is named by its digest."""
    service = VARIANTS["prometheus"]["services"]["prometheus"]
    mounted = [volume.split(":")[0] for volume in service["volumes"]
               if volume.startswith("./deploy")]

    assert re.fullmatch(r"prom/prometheus:v[\d.]+@sha256:[0-9a-f]{64}", service["image"])
    assert mounted
    assert all((ROOT / path).is_file() for path in mounted)
