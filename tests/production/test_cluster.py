"""A real API server takes the chart: as docs/operate.md has it installed, word for word, and oddly.

There are no nodes and no controllers: the hook is a Job that nobody would run, so the page's
`helm install` is given `--no-hooks`, and the Job is judged like all other objects.
"""

import copy
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from scrutin.main import PROCESSES
from tests.production.api_server import Cluster, running
from tests.production.charted import NAMESPACE, ODD, ROOT, SIZES, Made, pods, rendered, tools
from tests.shown import blocks


COMMANDS = blocks("docs/operate.md", "On Kubernetes", "sh")
RELEASE = COMMANDS[2].replace("helm install", "helm install --no-hooks")
BROUGHT = {f"scrutin-{name}" for name in PROCESSES} | {
    "kafka-cluster-ca-cert", "clickhouse-ca", "scrutin-rates"}
"""Secrets that others make: accounts on Kafka, its authority, the address of a Redis."""
OTHER = "other"
"""A namespace without a release."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run the API server, with the kinds of Prometheus' operator and whatever controllers make."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "deploy").symlink_to(ROOT / "deploy")
    [site] = blocks("docs/operate.md", "On Kubernetes", "yaml")
    (folder / "site.yaml").write_text(site)
    with running(folder, tools()) as found:
        for kind in ("ServiceMonitor", "PrometheusRule"):
            done = found.kubectl("create", "-f", "-", given=yaml.safe_dump(_definition(kind)))
            assert not done.returncode, done.stderr
        found.asked("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        found.asked("create", "namespace", OTHER)
        found.asked("label", "namespace", OTHER, "pod-security.kubernetes.io/enforce=restricted")
        for account in {"default"} | {
                pod["spec"].get("serviceAccountName", "default")
                for size in (*SIZES, *ODD) for _, pod in pods(size)}:
            found.asked("-n", OTHER, "create", "serviceaccount", account)
        yield found


def _definition(kind: str) -> Made:
    """Define a kind of Prometheus' operator; what is in it `test_rendered_chart` judges."""
    plural = f"{kind.lower()}s"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.monitoring.coreos.com"},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural},
                     "versions": [{"name": "v1", "served": True, "storage": True,
                                   "schema": {"openAPIV3Schema": anything}}]}}


@pytest.fixture(scope="module")
def installed(cluster: Cluster) -> Cluster:
    """Follow the page: keys, secrets, release."""
    keys, made, _ = COMMANDS
    for text in (keys, "".join(
            f"echo http://user:word@house:8123 > secrets/{name}.url\n"
            for name in ("archive", "views")), made, RELEASE):
        done = cluster.shell(text)
        assert not done.returncode, done.stderr
    return cluster


@pytest.mark.parametrize("size", [*SIZES, *ODD])
def test_the_server_admits_every_object(cluster: Cluster, size: str) -> None:
    """A dry run on the server, strictly: defaults, validation and admission find no fault."""
    done = cluster.kubectl(
        "-n", OTHER, "apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-",
        given=_together(rendered(size)))

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(rendered(size))


@pytest.mark.parametrize("size", [*SIZES, *ODD])
def test_every_pod_is_admitted_where_pods_are_restricted(cluster: Cluster, size: str) -> None:
    """Pod security of the restricted standard lets the pods of all processes in."""
    done = cluster.kubectl(
        "-n", OTHER, "apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-",
        given=_together(_pod(name, pod) for name, pod in pods(size)))

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(PROCESSES)


def _together(made: Iterable[Made]) -> str:
    """Write objects down as JSON: in YAML kubectl would read a text such as 1e3 as a number."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(made)})


def _pod(name: str, template: Made) -> Made:
    return {"apiVersion": "v1", "kind": "Pod", **template,
            "metadata": {**template["metadata"], "name": name}}


def test_a_pod_that_may_do_more_is_refused(cluster: Cluster) -> None:
    """The server looks: what the restricted standard forbids is not admitted."""
    broken = copy.deepcopy(dict(pods("small"))["ledger"])
    broken["spec"]["containers"][0]["securityContext"].pop("capabilities")
    done = cluster.kubectl("-n", OTHER, "create", "--dry-run=server", "-f", "-",
                           given=yaml.safe_dump(_pod("ledger", broken)))

    assert "violates PodSecurity" in done.stderr


def test_the_page_installs_a_release(installed: Cluster) -> None:
    """Its commands end well one after the other, and the objects are there."""
    there = installed.asked("-n", NAMESPACE, "get", "statefulset,deployment", "-o", "name")

    assert len(there.split()) == len(PROCESSES - {"provision"})


def test_notes_of_the_release_are_commands_that_kubectl_takes(installed: Cluster) -> None:
    """It looks for the pods, and for one of the service's to lead to; there is none without nodes.
    """
    told = installed.shell(f"helm get notes scrutin --namespace {NAMESPACE}").stdout
    look, forward = (line for line in told.splitlines() if line.startswith("  kubectl "))
    looked, led, lost = (installed.shell(command) for command in (
        look, f"{forward} --pod-running-timeout=1s", forward.replace("-views", "-nobody")))

    assert (looked.returncode, looked.stderr) == (
        0, f"No resources found in {NAMESPACE} namespace.\n")
    assert "timed out waiting" in led.stderr
    assert 'services "scrutin-nobody" not found' in lost.stderr


@pytest.mark.parametrize("size", SIZES)
def test_secrets_are_those_that_the_page_makes(installed: Cluster, size: str) -> None:
    """Each Secret that a pod mounts is there after the page was followed, with the files meant."""
    there = {each["metadata"]["name"]: set(each["data"]) for each in json.loads(
        installed.asked("-n", NAMESPACE, "get", "secrets", "-o", "json"))["items"]
        if each["type"] == "Opaque"}
    mounted = {name: keys for _, pod in pods(size) for name, keys in _mounted(pod)}

    assert set(mounted) - set(there) <= BROUGHT
    assert {name: keys - there[name] for name, keys in mounted.items() if name in there} == {
        name: set() for name in mounted if name in there}
    assert there["scrutin-keys"] == {"device.key", "view.key", "receipt.key"}


def _mounted(pod: Made) -> Iterator[tuple[str, set[str]]]:
    """Yield the Secrets of a pod with the keys that it names of them."""
    told = [each["value"] for each in pod["spec"]["containers"][0]["env"]]
    places = {each["name"]: each["mountPath"]
              for each in pod["spec"]["containers"][0]["volumeMounts"]}
    for volume in pod["spec"]["volumes"]:
        if "secret" in volume:
            place = f"{places[volume['name']]}/"
            yield volume["secret"]["secretName"], {
                value.removeprefix(place) for value in told if value.startswith(place)}
        for source in volume.get("projected", {}).get("sources", ()):
            yield source["secret"]["name"], {
                item["key"] for item in source["secret"].get("items", ())}


def test_another_image_is_rolled_out(installed: Cluster) -> None:
    """An upgrade to another digest is taken, and every workload has it."""
    digest = f"sha256:{'1' * 64}"
    done = installed.shell(
        COMMANDS[2].splitlines()[0].replace("helm install", "helm upgrade --no-hooks")
        + f" --set image.digest={digest}")
    found = installed.asked(
        "-n", NAMESPACE, "get", "statefulset,deployment", "-o",
        "jsonpath={.items[*].spec.template.spec.containers[*].image}").split()

    assert done.returncode == 0, done.stderr
    assert {image.partition("@")[2] for image in found} == {digest}


def test_a_release_that_is_taken_away_leaves_its_claims(installed: Cluster) -> None:
    """Everything else of it goes; whoever installs it again is given them back."""
    def there(*kinds: str) -> list[str]:
        return installed.asked("-n", NAMESPACE, "get", ",".join(kinds), "-o", "name").split()

    before = there("persistentvolumeclaim")
    done = installed.shell("helm uninstall scrutin --namespace vote")
    left = there("statefulset", "deployment", "persistentvolumeclaim")
    again = installed.shell(RELEASE)

    assert done.returncode == 0, done.stderr
    assert left == before
    assert len(left) == sum(
        each["kind"] == "PersistentVolumeClaim" for each in rendered("small"))
    assert again.returncode == 0, again.stderr


def test_the_hook_is_a_job_before_all_else(cluster: Cluster) -> None:
    """Provision runs before an install and an upgrade, with the keys of the values."""
    (job,) = (each for each in rendered("small") if each["kind"] == "Job")
    wanted = yaml.safe_load(Path(cluster.folder / "site.yaml").read_text())["provision"]["keys"]

    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == [
        "provision", *(f"--key={key}" for key in wanted)]
