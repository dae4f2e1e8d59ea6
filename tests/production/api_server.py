"""Kubernetes' own API server on an etcd, without nodes: it judges and keeps what nobody runs."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from deploy.local import child
from deploy.local.ports import LOOPBACK, find_free
from deploy.machine.waiting import until
from tests.production.cluster_tools import Tools, api_server
from tests.secured import Authority


READY_SECONDS = 600.0
"""Four seconds on two quiet cores."""
COMMAND_SECONDS = 300.0
STOP_SECONDS = 20.0


class Cluster:
    """A running API server, and how to speak to it."""

    def __init__(self, folder: Path, tools: Tools, address: str, token: str) -> None:
        self._tools, self.address, self.token = tools, address, token
        self.folder = folder
        self.configuration = folder / "kubeconfig"

    def shell(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run commands as a person would who has helm, kubectl and scrutin at hand."""
        path = os.pathsep.join((str(self._tools.helm.parent), str(self._tools.kubectl.parent),
                                str(Path(".venv/bin").resolve()), os.environ["PATH"]))
        return subprocess.run(
            ["bash", "-euc", text], cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=COMMAND_SECONDS, env=os.environ | {
                "PATH": path, "KUBECONFIG": str(self.configuration), "HOME": str(self.folder)})

    def kubectl(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl to its end."""
        return self._tools.run(self._tools.kubectl, "--kubeconfig", self.configuration,
                               *arguments, given=given)

    def asked(self, *arguments: str) -> str:
        """Run kubectl, and fail where it does."""
        done = self.kubectl(*arguments)
        assert not done.returncode, done.stderr
        return done.stdout


@contextmanager
def running(folder: Path, tools: Tools) -> Iterator[Cluster]:
    """Run etcd and the API server, with a token that may do everything."""
    program = api_server()
    etcd, peers, port = find_free(3)
    token, authority = secrets.token_hex(16), Authority.made()
    cluster = Cluster(folder, tools, f"https://{LOOPBACK}:{port}", token)
    _written(cluster, authority)
    store = child.spawn([
        str(tools.etcd), "--data-dir", str(folder / "etcd"),
        "--listen-client-urls", f"http://{LOOPBACK}:{etcd}",
        "--advertise-client-urls", f"http://{LOOPBACK}:{etcd}",
        "--listen-peer-urls", f"http://{LOOPBACK}:{peers}"], folder / "etcd.log")
    serving = child.spawn([
        str(program), f"--etcd-servers=http://{LOOPBACK}:{etcd}", f"--secure-port={port}",
        f"--bind-address={LOOPBACK}", "--endpoint-reconciler-type=none",
        f"--cert-dir={folder}", f"--tls-cert-file={folder / 'server.pem'}",
        f"--tls-private-key-file={folder / 'server.pem'}",
        f"--token-auth-file={folder / 'tokens.csv'}", "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/16", "--service-account-issuer=https://cluster.test",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        f"--service-account-key-file={folder / 'accounts.pem'}"], folder / "api-server.log")
    try:
        ready = until(lambda: not cluster.kubectl("get", "--raw", "/readyz").returncode,
                      seconds=READY_SECONDS, poll_seconds=0.5)
        assert ready, child.tail(folder / "api-server.log")
        yield cluster
    finally:
        child.stop(serving, STOP_SECONDS)
        child.stop(store, STOP_SECONDS)


def _written(cluster: Cluster, authority: Authority) -> None:
    """Write down who may ask, and by which certificates."""
    folder = cluster.folder
    (folder / "authority.pem").write_bytes(authority.pem())
    (folder / "server.pem").write_bytes(authority.signed("api-server"))
    (folder / "accounts.pem").write_bytes(authority.signed("accounts"))
    (folder / "tokens.csv").write_text(f"{cluster.token},tester,tester,system:masters\n")
    cluster.configuration.write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {
            "server": cluster.address, "certificate-authority": str(folder / "authority.pem")}}],
        "users": [{"name": "tester", "user": {"token": cluster.token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "tester"}}]}))
