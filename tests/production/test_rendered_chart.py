"""The chart, rendered by helm and judged by Kubernetes' schemas and by our settings."""

import copy
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from producers.gateway.keys import KeyFolder
from scrutin import settings
from scrutin.main import PROCESSES
from tests.deploy.prometheus_tools import promtool
from tests.production.charted import (
    CHART,
    NAMESPACE,
    ODD,
    ROOT_OF_CODES,
    SIZES,
    Made,
    arguments,
    notes,
    pods,
    rendered,
    tools,
)
from tests.views.operations.control_room import ControlRoom


OLDEST, NEWEST = "1.29", "1.37"
"""Versions of Kubernetes whose schemas the objects obey: the chart's oldest, and that of today."""
HELM_SECONDS = 300
"""So long helm waits for a hook where nobody says otherwise."""
OF_PROMETHEUS = {"ServiceMonitor", "PrometheusRule"}
CHECKER = """
import sys, yaml
import cloudcoil.pydantic
cloudcoil.pydantic.BaseModel.model_config["extra"] = "forbid"
from cloudcoil.models.prometheus_operator import v1
for made in yaml.safe_load_all(sys.stdin):
    getattr(v1, made["kind"]).model_validate(made)
"""
"""Takes objects of Prometheus' operator by its own types, where they say nothing else."""


def _refused(made: list[Made], folder: Path) -> str:
    """Return what Kubernetes' schemas have against objects."""
    found = []
    for number, each in enumerate(made):
        path = folder / f"{number}.yaml"
        path.write_text(yaml.safe_dump(each))
        found.append(path)
    done = tools().run(Path(".venv/bin/python"), "-m", "kubernetes_validate", "--strict", "--quiet",
                       "-k", OLDEST, "-k", NEWEST, *found)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("size", SIZES)
def test_helm_finds_no_fault(size: str) -> None:
    """`helm lint` has no complaint, not even a warning."""
    _, _, *given = arguments(size)
    done = tools().run(tools().helm, "lint", str(CHART), "--strict", *given)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("size", [*SIZES, "everything", "named by numbers"])
def test_every_object_obeys_kubernetes_schemas(size: str, tmp_path: Path) -> None:
    """Strictly, so that a key nobody knows is refused; by the oldest and the newest version."""
    made = [each for each in rendered(size) if each["kind"] not in OF_PROMETHEUS]

    assert len(made) > 25
    assert _refused(made, tmp_path) == ""


def test_a_misspelt_key_would_be_refused(tmp_path: Path) -> None:
    """The schemas see what is wrong: a passing check means something."""
    broken = copy.deepcopy(next(each for each in rendered("small")
                                if each["kind"] == "StatefulSet"))
    broken["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}

    assert "readynessProbe" in _refused([broken], tmp_path)


def test_objects_of_prometheus_are_of_its_operators_types() -> None:
    """Its own kinds take them, and refuse them misspelt."""
    made = [each for each in rendered("small") if each["kind"] in OF_PROMETHEUS]
    broken = copy.deepcopy(made)
    monitor = next(each for each in broken if each["kind"] == "ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "15s"
    taken, refused = (tools().run(Path(".venv/bin/python"), "-c", CHECKER,
                                  given=yaml.safe_dump_all(each)).returncode
                      for each in (made, broken))

    assert {each["kind"] for each in made} == OF_PROMETHEUS
    assert (taken, refused) == (0, 1)


def test_prometheus_takes_the_rendered_alerts(tmp_path: Path) -> None:
    """The rules are those of deploy/, word for word, and promtool reads them."""
    (rule,) = (each for each in rendered("small") if each["kind"] == "PrometheusRule")
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    own = yaml.safe_load(Path("deploy/prometheus/scrutin.rules.yml").read_text("utf-8"))

    assert rule["spec"] == own
    assert promtool("check", "rules", str(path)).returncode == 0


@pytest.mark.parametrize("size", SIZES)
def test_every_process_runs(size: str) -> None:
    """Each command that a platform runs has a workload, under its own name, and is limited."""
    found = dict(pods(size))

    assert set(found) == PROCESSES
    for name, pod in found.items():
        (container,) = pod["spec"]["containers"]
        assert container["args"][0] == name
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("size", SIZES)
def test_the_program_accepts_each_pods_settings(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All variables of a pod together are settings that a process starts with."""
    for name, pod in pods(size):
        with monkeypatch.context() as environment:
            for variable, value in _environment(pod).items():
                environment.setenv(variable, _lying_here(value, tmp_path))
            assert settings.unknown_names() == [], name
            assert settings.load().topic_prefix == "scrutin"


def _environment(pod: Made) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


def _lying_here(value: str, folder: Path) -> str:
    """Have a file that a pod would find lie below a folder, with a secret in it."""
    if not value.startswith("/etc/scrutin/"):
        return value
    path = folder / value.removeprefix("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Any text will do that is also the address of something.
    path.write_text("redis://" + "s" * 16)
    return str(path)


@pytest.mark.parametrize("size", SIZES)
def test_services_put_nothing_into_settings(size: str) -> None:
    """Kubernetes tells pods of a service `scrutin-gateway` by a variable that is a setting."""
    assert [name for name, pod in pods(size) if pod["spec"]["enableServiceLinks"]] == []


@pytest.mark.parametrize("size", SIZES)
def test_every_file_that_is_named_lies_in_a_mount(size: str) -> None:
    """A secret's file, a certificate's, the folders: each below what the pod mounts, or its data.
    """
    for name, pod in pods(size):
        (container,) = pod["spec"]["containers"]
        places = tuple(f"{each['mountPath']}/" for each in container["volumeMounts"])
        named = [value for value in _environment(pod).values()
                 if value.startswith(("/etc/", "/var/lib/scrutin/"))]
        assert [value for value in named if not f"{value}/".startswith(places)] == [], name


def test_a_gateway_s_pod_has_every_key_of_a_consultation(tmp_path: Path) -> None:
    """Of one that asks for codes, too: all that a folder of keys holds of it, from Secrets."""
    keys = KeyFolder(tmp_path)
    keys.prepare(["A_b.c~1-"])
    keys.keep_codes("A_b.c~1-", bytes.fromhex(ROOT_OF_CODES), bytes(32))
    wanted = {str(each.relative_to(tmp_path))
              for each in keys.folder_of("A_b.c~1-").iterdir()}
    [pod] = (pod for name, pod in pods("everything") if name == "gateway")
    [mounted] = (each for each in pod["spec"]["volumes"] if each["name"] == "keys")
    items = [(each["secret"]["name"], item["path"]) for each in mounted["projected"]["sources"]
             for item in each["secret"].get("items", ())]

    assert wanted - {path for _, path in items} == set()
    assert ("codes.1", f"consultations/c-A_b.c~1-/codes-{ROOT_OF_CODES}.sha256") in items


@pytest.mark.parametrize("size", SIZES)
def test_a_pod_has_time_to_end(size: str) -> None:
    """It is killed after it would have ended itself, and drained as long as probes take."""
    for name, pod in pods(size):
        if name == "provision":
            continue
        told = _environment(pod)
        (container,) = pod["spec"]["containers"]
        probe = container["readinessProbe"]
        drain = float(told.get("SCRUTIN_DRAIN_SECONDS", 0))
        ends = drain + float(told["SCRUTIN_STOP_SECONDS"])
        assert pod["spec"]["terminationGracePeriodSeconds"] >= ends + 5, name
        assert not drain or drain >= probe["periodSeconds"] * probe["failureThreshold"], name
        assert (probe["httpGet"]["path"], container["livenessProbe"]["httpGet"]["path"]) == (
            "/readyz", "/livez")


@pytest.mark.parametrize("size", SIZES)
def test_two_of_each_survive_a_node(size: str) -> None:
    """Whatever serves or works runs twice, and no more than one is taken away at a time."""
    wanted = {each["metadata"]["name"]: each for each in rendered(size)
              if each["kind"] in {"StatefulSet", "Deployment"}}
    least = {each["metadata"]["name"]: each["spec"]["minReplicas"] for each in rendered(size)
             if each["kind"] == "HorizontalPodAutoscaler"}
    guarded = {each["metadata"]["name"] for each in rendered(size)
               if each["kind"] == "PodDisruptionBudget" and each["spec"]["maxUnavailable"] == 1}

    assert guarded == set(wanted)
    for name, made in wanted.items():
        assert made["spec"].get("replicas", least.get(name, 0)) >= 2


@pytest.mark.parametrize("size", SIZES)
def test_whoever_selects_finds_somebody(size: str) -> None:
    """Each service, budget and network policy selects pods that there are."""
    labels = [pod["metadata"]["labels"] for _, pod in pods(size)]
    for made in rendered(size):
        selector: dict[str, Any] = made.get("spec", {}).get(
            "podSelector", made.get("spec", {}).get("selector")) or {}
        wanted = selector.get("matchLabels", selector)
        if made["kind"] in {"Service", "PodDisruptionBudget", "NetworkPolicy"}:
            assert any(wanted.items() <= found.items() for found in labels), made["metadata"]


@pytest.mark.parametrize(("value", "port", "processes"), [
    ("settings.traces_url=http://collector:4318/v1/traces", 4318, None),
    ("gateway.settings.traces_url=http://collector:4318/v1/traces", 4318, {"gateway"}),
    ("snapshots.store=s3://bucket/prefix", 443, {"ledger"}),
    ("witnesses=quorum none", 443, {"notary"})])
def test_who_is_told_of_an_address_may_ask_there(
    value: str, port: int, processes: set[str] | None
) -> None:
    """A policy of the network lets traces, snapshots and checkpoints out where they are wanted, and
    nobody else.
    """
    def asking(*more: str) -> set[str]:
        done = tools().run(tools().helm, "template", *arguments("small"), *more)
        assert done.returncode == 0, done.stderr
        return {made["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]
                for made in yaml.safe_load_all(done.stdout)
                if made and made["kind"] == "NetworkPolicy"
                and any(port in (to["port"] for to in rule.get("ports", ()))
                        for rule in made["spec"].get("egress", ()))}

    before, after = asking(), asking("--set-string", value)
    if processes is None:
        assert {"gateway", "ledger", "views"} <= after - before
    else:
        assert after - before == processes


def test_values_that_are_none_are_refused() -> None:
    """A setting that is misspelt, a digest that is none, a drain shorter than probes: no release.
    """
    for slip in ("settings.judge_second=9", "image.digest=latest", "drainSeconds=5",
                 "ledger.replica=3", "provision.keys={operator:12}"):
        done = tools().run(tools().helm, "template", *arguments("small"), "--set-string" if
                           slip.startswith("settings") else "--set", slip)
        assert done.returncode, slip
        assert re.search(r"don't meet the specifications|schema", done.stderr), done.stderr


@pytest.mark.parametrize(("values", "said"), [
    (["gateway.autoscaling.enabled=true", "gateway.autoscaling.most=3", "gateway.replicas=4"],
     "gateway.autoscaling.most is 3, and gateway.replicas, the least that it keeps, 4"),
    (["views.autoscaling.enabled=true", "views.replicas=9"], "views.autoscaling.most is 2"),
    (["rates.secret=redis", "gateway.replicas=1"], "limits are shared by several"),
    (["snapshots.secret=store"], "snapshots.store is not"),
    ([r"kafka.bootstrap=a:9092\,b:9093"], "the ports 9092, 9093"),
    (["keys.consultations[1].id=spring2027", "keys.consultations[1].secret=other"],
     "keys.consultations names spring2027 twice"),
    (["ingress.readersHost=vote.example.org"], "are both vote.example.org"),
    (["kafka.accounts.prefix=Scrutin_"], "kafka/accounts/prefix"),
])
def test_values_that_do_not_go_together_are_refused(values: list[str], said: str) -> None:
    """Helm says which, and why, before anything is asked of a cluster."""
    done = _templated(*values)

    assert done.returncode
    assert said in done.stderr


@pytest.mark.parametrize("values", [
    # An autoscaler that is off bounds nothing; several workers are several gateways; a ledger
    # without a partition stands by.
    ["generation.partitions=1"],
    ["gateway.replicas=9"], ["rates.secret=redis", "gateway.replicas=1",
                             "gateway.settings.gateway_workers=2"]])
def test_values_that_go_together_are_taken(values: list[str]) -> None:
    """Refusals are of what would fail, and of nothing else."""
    done = _templated(*values)

    assert done.returncode == 0, done.stderr


def _templated(*values: str) -> subprocess.CompletedProcess[str]:
    """Have helm render the small size with values of which each is set as helm reads it."""
    return tools().run(tools().helm, "template", *arguments("small"), *(
        word for value in values for word in (
            "--set-string" if ".settings." in value else "--set", value)))


@pytest.mark.parametrize("size", [*SIZES, *ODD])
def test_no_drain_of_a_node_is_held_up(size: str) -> None:
    """A budget stands where two run at the least, and never for those that are not ready."""
    least = {each["metadata"]["name"]: each["spec"].get("replicas", each["spec"].get("minReplicas"))
             for each in rendered(size) if each["kind"] in {
                 "StatefulSet", "Deployment", "HorizontalPodAutoscaler"}
             and each["spec"].keys() & {"replicas", "minReplicas"}}
    budgets = {each["metadata"]["name"]: each["spec"] for each in rendered(size)
               if each["kind"] == "PodDisruptionBudget"}

    assert len(least) == len(PROCESSES) - 1
    assert set(budgets) == {name for name, count in least.items() if count > 1}
    for spec in budgets.values():
        assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


@pytest.mark.parametrize(("values", "others"), [
    ([], 1), (["monitoring.enabled=false"], 0),
    (["monitoring.enabled=false", "networkPolicy.prometheus[0].podSelector.matchLabels.app=p"], 1)])
def test_prometheus_is_let_in(values: list[str], others: int) -> None:
    """To whoever runs on: where its operator is there, or where somebody says who it is."""
    made = [each for each in yaml.safe_load_all(_templated(*values).stdout)
            if each and each["kind"] == "NetworkPolicy"]
    doors = {each["metadata"]["name"].removeprefix("scrutin-"): len(each["spec"]["ingress"])
             for each in made}
    # Views ask whoever runs on, for the operators' page, and visitors come to both servers.
    before = {**dict.fromkeys(PROCESSES, 1), "gateway": 2, "provision": 0}

    assert doors == {name: count + (others if count else 0) for name, count in before.items()}


@pytest.mark.parametrize("size", [*SIZES, "everything"])
def test_ledgers_draft_on_their_own_disk(size: str) -> None:
    """A folder that others have too, and that hangs, would hold up whoever drafts in it."""
    pod = dict(pods(size))["ledger"]
    (container,) = pod["spec"]["containers"]
    lies = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    own = {each["name"] for each in pod["spec"]["volumes"] if "emptyDir" in each}
    place = _environment(pod)["SCRUTIN_SNAPSHOTS"]

    assert lies[f"{_environment(pod)['SCRUTIN_DATA_DIR']}/snapshots"] in own
    assert place.startswith("s3://") or lies[place] == "private"


def test_helm_hears_how_provision_ended() -> None:
    """The hook is given up before helm, which waits 300 s, would give up on it."""
    (job,) = (each for each in rendered("small") if each["kind"] == "Job")

    assert job["spec"]["activeDeadlineSeconds"] < HELM_SECONDS


@pytest.mark.parametrize("size", [*SIZES, *ODD])
def test_notes_name_what_there_is(size: str, tmp_path: Path) -> None:
    """Their commands find every pod and the views' port, where the Secret's token shows the page.
    """
    found, told = dict(pods(size)), notes(size).splitlines()
    labels = found["views"]["metadata"]["labels"]
    [release] = {pod["metadata"]["labels"]["app.kubernetes.io/instance"] for pod in found.values()}
    [secret] = (each["secret"]["secretName"] for each in found["views"]["spec"]["volumes"]
                if each["name"] == "operations")
    [(name, port)] = ((each["metadata"]["name"], each["spec"]["ports"][0]["port"])
                      for each in rendered(size) if each["kind"] == "Service"
                      and each["spec"]["selector"].items() <= labels.items())
    [page] = re.findall(r"http://127\S+", notes(size))

    assert told[0].endswith(f": {_environment(found['views'])['SCRUTIN_PUBLIC_URL']}")
    assert [line.strip() for line in told if "kubectl" in line] == [
        f"kubectl --namespace {NAMESPACE} {words}" for words in (
            f"get pods --selector app.kubernetes.io/instance={release}",
            f"port-forward service/{name} 8080:{port}")]
    assert f"The operators' page, with the token of the Secret {secret}:" in told
    assert ControlRoom(tmp_path).client().get(page).status_code == 200
