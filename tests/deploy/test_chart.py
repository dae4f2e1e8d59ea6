"""The chart says nothing that the program does not know, and leaves out nothing that it has.

Read as text: `tests/production/test_rendered_chart.py` has helm render it, and others judge that.
"""

import copy
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from docs.generate import NOT_OFFERED, chart_variables
from schemas import accounts
from schemas.topics import Topics
from scrutin.main import PROCESSES
from scrutin.settings import Settings


ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/scrutin"
TEMPLATES = "\n".join(
    path.read_text("utf-8") for path in sorted((CHART / "templates").iterdir()))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
NATIONAL: dict[str, Any] = yaml.safe_load((CHART / "values/national.yaml").read_text("utf-8"))


def _listed(kind: str) -> list[str]:
    """Name the processes of a kind, as the templates list them."""
    found = re.search(rf'define "scrutin\.{kind}" -}}}}([a-z ]+){{{{', TEMPLATES)
    assert found is not None
    return found[1].split()


def test_every_variable_is_a_setting() -> None:
    """Each names a setting, and a secret's lies in a file: the chart has none in clear."""
    known = {f"SCRUTIN_{name.upper()}" + ("" if field.repr else "_FILE")
             for name, field in Settings.model_fields.items()}

    assert len(chart_variables()) > 30
    assert chart_variables() - known == set()
    of_others = set(re.findall(r"^([A-Z_]+):", TEMPLATES, re.MULTILINE)) - chart_variables()
    assert {name for name in of_others if not name.startswith("SCRUTIN_")} == {
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}


def test_every_value_is_told_as_it_was_given() -> None:
    """`1e3` as a prefix is no 1000, and `null` not nothing: each is quoted before YAML reads it."""
    told = re.findall(r"^SCRUTIN_\S+: (\{\{.*)$", TEMPLATES, re.MULTILINE)

    assert len(told) > 10
    assert [value for value in told if not value.endswith(" | quote }}")] == []


def test_values_offer_every_other_setting_and_nothing_else() -> None:
    """A slip of the pen in `settings` is refused by helm; what the chart sets is set once."""
    offered = SCHEMA["$defs"]["settings"]["propertyNames"]["enum"]
    told = {name.removeprefix("SCRUTIN_").removesuffix("_FILE").lower()
            for name in chart_variables()}

    assert {*offered, *told, *NOT_OFFERED} == set(Settings.model_fields)
    assert not told & {*offered}


def test_every_process_has_its_workload() -> None:
    """What a platform runs is what the chart runs, and each has values of its own."""
    running = {*_listed("workers"), *_listed("servers"), "provision"}

    assert running == PROCESSES
    assert running <= VALUES.keys()


def test_values_and_their_schema_name_the_same() -> None:
    """Nothing can be set that the schema does not describe, nor is anything described in vain."""
    assert set(SCHEMA["properties"]) - {"global"} == set(VALUES)


def test_there_is_one_list_of_alerts() -> None:
    """The chart's rules are a link to those that promtool tries."""
    linked = CHART / "files/scrutin.rules.yml"

    assert linked.is_symlink()
    assert linked.resolve() == ROOT / "deploy/prometheus/scrutin.rules.yml"
    assert '.Files.Get "files/scrutin.rules.yml"' in TEMPLATES


def test_accounts_are_those_that_acls_prints() -> None:
    """The account of each process, and the Secret of its password, bear the names of Strimzi's."""
    users = {line.split()[1] for line in accounts.for_strimzi(Topics("scrutin", 4), "kafka")
             if line.startswith("  name: ")}

    assert {VALUES["kafka"]["accounts"]["prefix"] + name for name in PROCESSES} <= users


def test_pods_run_as_the_images_user() -> None:
    """The folder of data in the image belongs to whom the pods run as."""
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text("utf-8")
    user = re.search(r"^USER (\d+)$", dockerfile, re.MULTILINE)

    assert user is not None
    assert set(re.findall(r"(?:runAsUser|runAsGroup|fsGroup): (\d+)", TEMPLATES)) == {user[1]}


@pytest.mark.parametrize(("row", "wanted"), [
    ("gateway, people in browsers without its script",
     f"**{NATIONAL['gateway']['autoscaling']['most']}**"),
    ("ledger", f"{NATIONAL['ledger']['replicas']}, each with a core"),
    ("ledger", f"**{NATIONAL['ledger']['resources']['requests']['memory'].removesuffix('Gi')} GB"),
    ("views", f"{NATIONAL['views']['replicas']} for 10,000"),
])
def test_the_national_values_are_those_of_capacity(row: str, wanted: str) -> None:
    """Numbers of processes stand in one place, with how they were found."""
    capacity = (ROOT / "docs/capacity.md").read_text("utf-8")
    table = capacity.split("## Process by process")[1].split("\n## ")[0]

    assert wanted in next(line for line in table.splitlines() if line.startswith(f"| {row} |"))


def test_the_national_partitions_are_those_of_capacity() -> None:
    """The rule of the page gives what the values say."""
    capacity = (ROOT / "docs/capacity.md").read_text("utf-8")

    assert f"{NATIONAL['generation']['partitions']} for 100 million" in capacity


def test_the_operators_values_are_tried_as_they_stand_there() -> None:
    """What the page has an operator write is what helm and Kubernetes are given."""
    section = (ROOT / "docs/operate.md").read_text("utf-8").split("## On Kubernetes")[1]
    shown = section.split("```yaml\n")[1].split("```")[0]
    tried = (ROOT / "tests/production/cluster/site.yaml").read_text("utf-8")

    assert tried.partition("\n")[2] == shown


@pytest.mark.parametrize(("place", "good", "bad"), [
    ("kafka.accounts.prefix", ("", "scrutin-", "2027.", "a.b-"),
     ("Scrutin-", "-", "a..", ".", "a-.", "a_", "a b", "é", "a/")),
    ("kafka.ca.secret", ("", "a.b-c"), ("a..b", "a.-b", "A", "a_b", "-a", "a.", "a" * 254)),
    ("keys.gateway", ("a.b-c",), ("", "a..b", "A", "a/b")),
    ("ingress.host", ("", "vote.example.org"),
     ("https://vote.example.org", "vote.example.org/", "Vote.example.org", "vote..example.org")),
    ("public.securityContact", ("", "mailto:a@b.example", "https://a.example,tel:+33-1"),
     ("a@b.example", "mailto:a")),
    ("public.proxies", ("", "*", "10.0.0.0/8,::1"), ("proxy", "10.0.0.0/8;10.1.0.0/16", "*,::1")),
    ("networkPolicy.visitors", ([], [{"podSelector": {}}]), ([{}], ["anybody"])),
    ("gateway.autoscaling.most", (1, 1000), (0, 1001, "2")),
])
def test_values_that_can_never_be_are_refused(
    place: str, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    """Each kind of name, list and number is bounded, and helm says where and by what."""
    assert [value for value in good if _fault(place, value)] == []
    for value in bad:
        found = _fault(place, value)
        assert found is not None, value
        assert ".".join(map(str, found.absolute_path)).startswith(place)


def _fault(place: str, value: Any) -> jsonschema.ValidationError | None:
    """Return what the schema has against a value in its place."""
    values = copy.deepcopy(VALUES)
    for process in PROCESSES:
        # The sizes have them; these values are nobody's.
        values[process]["resources"] = {"requests": {"cpu": 1, "memory": "1Gi"}}
    *above, name = place.split(".")
    found = values
    for each in above:
        found = found[each]
    found[name] = value
    fault: jsonschema.ValidationError | None = next(
        jsonschema.Draft202012Validator(SCHEMA).iter_errors(values), None)
    return fault


@pytest.mark.parametrize(("value", "setting"), [
    ("generation.prefix", "topic_prefix"), ("clickhouse.database", "clickhouse_database"),
    ("public.securityContact", "security_contact")])
def test_the_schema_takes_what_the_setting_takes(value: str, setting: str) -> None:
    """What a process would refuse at its start helm refuses before."""
    found = SCHEMA["properties"]
    for each in value.split("."):
        found = found.get("properties", found)[each]
    (told,) = Settings.model_fields[setting].metadata

    assert found["pattern"] == told.pattern


@pytest.mark.parametrize(("found", "setting"), [
    (SCHEMA["properties"]["generation"]["properties"]["partitions"], "partitions"),
    (SCHEMA["properties"]["generation"]["properties"]["replication"], "replication"),
    (SCHEMA["properties"]["stopSeconds"], "stop_seconds"),
    (SCHEMA["properties"]["drainSeconds"], "drain_seconds"),
    (SCHEMA["$defs"]["server"]["properties"]["autoscaling"]["properties"]["most"],
     "gateway_count")])
def test_the_schema_bounds_numbers_as_the_setting_does(
    found: dict[str, Any], setting: str
) -> None:
    """Whatever helm takes a process takes."""
    least, most = Settings.model_fields[setting].metadata

    assert least.ge <= found["minimum"]
    assert most.le == found["maximum"]
