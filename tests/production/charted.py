"""What the chart makes of its values: objects of Kubernetes, as helm renders them."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.production.cluster_tools import Tools, fetched


ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/scrutin"
SITE = Path(__file__).parent / "cluster/site.yaml"
SIZES = ("small", "national")
NAMESPACE = "vote"
Made = dict[str, Any]
"""An object of Kubernetes."""


ROOT_OF_CODES = "1" * 64
SOMEBODY: Made = {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.128/25"]}}
ODD: dict[str, tuple[str, Made]] = {
    "everything": ("scrutin", {
        "imagePullSecrets": [{"name": "registry"}],
        "snapshots": {"store": "s3://bucket/prefix", "secret": "store"},
        "rates": {"secret": "rates"}, "clickhouse": {"certificates": True},
        "witnesses": "witness north w.example/n+12345678+BASE64 https://n.example\nquorum north\n",
        "settings": {"traces_url": "http://collector:4318/v1/traces"},
        "gateway": {"settings": {"gateway_workers": "4"}, "replicas": 3,
                    "autoscaling": {"enabled": True, "most": 9}},
        "views": {"autoscaling": {"enabled": True, "most": 4}},
        "monitoring": {"labels": {"release": "2027", "on": "true"}},
        "ingress": {"annotations": {"example.org/size": "1", "example.org/on": "yes"}},
        "keys": {"consultations": [
            {"id": "A_b.c~1-", "secret": "one.more", "codes": [
                {"root": ROOT_OF_CODES, "secret": "codes.1"}, {"root": "2" * 64, "secret": "2"}]},
            {"id": "2027", "secret": "2027"}]},
        "networkPolicy": {each: [SOMEBODY] for each in (
            "kafka", "clickhouse", "redis", "collector", "store", "witnesses", "visitors",
            "prometheus")}}),
    # Neither keys, nor who watches, nor a way in; one of each; a rehearsal's tag.
    "bare": ("trial", {
        "image": {"repository": "scrutin", "digest": "", "tag": "1"},
        "kafka": {"protocol": "PLAINTEXT", "bootstrap": "a:9092,b:9092", "ca": {"secret": ""}},
        "clickhouse": {"ca": {"secret": ""}}, "provision": {"keys": []},
        "keys": {"guard": "", "clerk": "", "consultations": []},
        "ingress": {"enabled": False}, "monitoring": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "storage": {"public": {"accessModes": ["ReadWriteOnce"], "className": "fast"}},
        **{process: {"replicas": 1} for process in (
            "gateway", "views", "ledger", "ideas", "patrol", "archive", "notary")}}),
    # Names that YAML would take for numbers.
    "named by numbers": ("2027", {
        "kafka": {"protocol": "SSL", "accounts": {"prefix": "2027."}, "ca": {"secret": "1e3"}},
        "keys": {"gateway": "11", "snapshots": "12", "guard": "13", "clerk": "14"},
        "operations": {"secret": "15", "key": "16"}, "clickhouse": {
            "ca": {"secret": "17", "key": "18"}, "archive": {"secret": "19", "key": "20"}},
        "generation": {"prefix": "1e3"}, "public": {"securityContact": "tel:+1"},
        "ingress": {"className": "21", "host": "22", "readersHost": "23", "tlsSecret": "24"},
        "storage": {"public": {"className": "25"}, "private": {"className": "26"}},
        "imagePullSecrets": [{"name": "27"}], "snapshots": {"store": "s3://2027", "secret": "28"},
        "rates": {"secret": "29", "key": "30"}}),
    "named with dots": ("vote.2027", {}),
    "named at length": ("a" * 25 + "-b2-" + "c" * 24, {}),
}
"""Releases that are seldom and allowed: their names, and what they add to the small values."""


def arguments(size: str, release: str = "scrutin") -> list[str]:
    """Return helm's arguments behind its command, as docs/operate.md has them."""
    return [release, str(CHART), "--namespace", NAMESPACE,
            "--values", str(CHART / f"values/{size}.yaml"), "--values", str(SITE)]


@functools.cache
def tools() -> Tools:
    """Fetch the programs."""
    return fetched()


@functools.cache
def rendered(size: str) -> tuple[Made, ...]:
    """Have helm render the chart, at a size or as one of `ODD`."""
    return tuple(each for each in yaml.safe_load_all(_told("template", size)) if each)


@functools.cache
def notes(size: str) -> str:
    """Return what helm tells whoever has installed the chart, at a size or as one of `ODD`."""
    return _told("install", size, "--dry-run=client").partition("\nNOTES:\n")[2]


def _told(command: str, size: str, *more: str) -> str:
    """Run a command of helm's that asks no cluster, and fail where it does."""
    release, added = ODD.get(size, ("scrutin", {}))
    done = tools().run(
        tools().helm, command, *arguments("small" if size in ODD else size, release), *more,
        "--values", "-", given=json.dumps(added))
    assert not done.returncode, done.stderr
    return done.stdout


def pods(size: str) -> Iterator[tuple[str, Made]]:
    """Yield each process with the template of its pods."""
    for made in rendered(size):
        if made["kind"] in {"StatefulSet", "Deployment", "Job"}:
            yield made["metadata"]["labels"]["app.kubernetes.io/component"], (
                made["spec"]["template"])
