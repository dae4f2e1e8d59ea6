"""What the chart makes of its values: objects of Kubernetes, as helm renders them."""

import functools
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


def arguments(size: str) -> list[str]:
    """Return helm's arguments behind its command, as docs/operate.md has them."""
    return ["scrutin", str(CHART), "--namespace", NAMESPACE,
            "--values", str(CHART / f"values/{size}.yaml"), "--values", str(SITE)]


@functools.cache
def tools() -> Tools:
    """Fetch the programs."""
    return fetched()


@functools.cache
def rendered(size: str) -> tuple[Made, ...]:
    """Have helm render the chart."""
    done = tools().run(tools().helm, "template", *arguments(size))
    assert not done.returncode, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


def pods(size: str) -> Iterator[tuple[str, Made]]:
    """Yield each process with the template of its pods."""
    for made in rendered(size):
        if made["kind"] in {"StatefulSet", "Deployment", "Job"}:
            yield made["metadata"]["labels"]["app.kubernetes.io/component"], (
                made["spec"]["template"])
