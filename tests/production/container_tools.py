"""Docker's engine and Compose, run apart from any other: from Debian's packages, and built by Go.

The packages are unpacked, not installed: nothing of them runs by itself. The engine runs in a space
of processes of its own, which ends with the test, and leaves the machine's firewall alone. What it
has built is kept with it, so a second run takes little. Images that come from a registry are stood
in for: by Debian's Python and Prometheus, Kafka's own jars and the local stack's ClickHouse.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import child, kafka_jars
from deploy.machine.locks import waiting_lock
from deploy.machine.waiting import until
from scrutin.settings import load
from tests.deploy.prometheus_tools import program
from tests.harness import ROOT
from tests.production.cluster_tools import FETCH_SECONDS, Missing, go_program, kept


HERE = Path(__file__).parent / "containers"
COMPOSE = "github.com/docker/compose/v2/cmd"
TOOLS = f"org.apache.kafka:kafka-tools:{kafka_jars.KAFKA_VERSION}"
DEBIAN = "bookworm"
PYTHON, SERVERS = "stand-in/python:3.11", "stand-in/servers"
"""Images that stand in for others."""
INCLUDED = ("python3", "python3-venv", "python3-pip", "python-is-python3", "ca-certificates",
            "wget")
TOLD = ("PIP_", "UV_")
"""Variables that tell where packages come from begin so."""
READY_SECONDS, STOP_SECONDS = 600.0, 60.0
BUILD_SECONDS = 3_000.0
"""Two minutes on two quiet cores."""


@dataclass
class Engine:
    """Docker's engine, and how it is spoken to."""

    programs: Path
    folder: Path
    """Its socket and logs, and what Docker's client would otherwise read of this user."""
    more: dict[str, str] = field(default_factory=dict)

    def environment(self) -> Mapping[str, str]:
        """Return the variables for Docker's programs."""
        own = [self.programs / name for name in ("bin", "usr/bin", "usr/sbin")]
        libraries = self.programs / "usr/lib/x86_64-linux-gnu"
        return os.environ | self.more | {
            "PATH": os.pathsep.join((*map(str, own), os.environ["PATH"])),
            "LD_LIBRARY_PATH": str(libraries), "XTABLES_LIBDIR": str(libraries / "xtables"),
            "DOCKER_HOST": f"unix://{self.folder}/socket", "DOCKER_CONFIG": str(self.folder),
            # Of Debian's engine; it needs no other program.
            "DOCKER_BUILDKIT": "0"}

    def run(self, *argv: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end, in the project's folder."""
        return subprocess.run(argv, input=given, capture_output=True, text=True, check=False,
                              timeout=BUILD_SECONDS, cwd=ROOT, env=self.environment())

    def asked(self, *argv: str | Path, given: str = "") -> str:
        """Run a program, and fail where it does."""
        done = self.run(*argv, given=given)
        assert not done.returncode, f"{argv}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
        return done.stdout


@contextmanager
def running(folder: Path) -> Iterator[Engine]:
    """Run the engine with nothing in it but what it built before; raise Missing."""
    if os.geteuid():
        raise Missing("Docker's engine is run by root alone: run this test as root.")
    programs = _unpacked()
    engine = Engine(programs, folder)
    data = programs.with_name(f"{programs.name}-engine")
    with waiting_lock(programs.with_name("containers.lock")):
        process = child.spawn([
            # Nothing in it outlives the test, and it ends in order.
            "unshare", "--pid", "--fork", "--kill-child=SIGTERM", "--mount", "--mount-proc",
            "dockerd", f"--host=unix://{folder}/socket", f"--pidfile={folder}/pid",
            f"--data-root={data}", f"--exec-root={folder}/run", "--bridge=none",
            "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false",
            f"--userland-proxy-path={_found(engine, 'docker-proxy')}", "--oom-score-adjust=0",
            "--default-ulimit=nofile=20000:20000"],
            folder / "engine.log", environment=engine.environment())
        try:
            ready = until(lambda: not engine.run("docker", "info").returncode,
                          seconds=READY_SECONDS, poll_seconds=0.5)
            assert ready, child.tail(folder / "engine.log")
            _clear(engine)
            yield engine
            engine.asked("docker", "image", "prune", "--force")
        finally:
            child.stop(process, STOP_SECONDS)
            until(lambda: not (folder / "pid").exists(), seconds=STOP_SECONDS, poll_seconds=0.1)


def _clear(engine: Engine) -> None:
    """Take away what a test that was killed has left; a broker's data lie in volumes with names."""
    if left := engine.asked("docker", "ps", "--all", "--quiet").split():
        engine.asked("docker", "rm", "--force", "--volumes", *left)
    if left := engine.asked("docker", "volume", "ls", "--quiet").split():
        engine.asked("docker", "volume", "rm", *left)


def stand_ins(engine: Engine) -> None:
    """Make the images that come from a registry elsewhere."""
    with tempfile.TemporaryDirectory(dir=engine.folder) as name:
        folder = Path(name)
        os.link(_base(engine), folder / "base.tar")
        shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", folder / "trusted.pem")
        told = "".join(f"ENV {name}={json.dumps(value)}\n" for name, value in os.environ.items()
                       if name.startswith(TOLD))
        (folder / "Dockerfile").write_text((HERE / "base.Dockerfile").read_text("utf-8") + told)
        engine.asked("docker", "build", "--tag", PYTHON, folder)
    with tempfile.TemporaryDirectory(dir=engine.folder) as name:
        folder = Path(name)
        shutil.copytree(HERE, folder, dirs_exist_ok=True)
        for each in ("requirements.lock", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / each, folder / each)
        for room in ("schemas", "deploy"):
            shutil.copytree(ROOT / room, folder / room,
                            ignore=shutil.ignore_patterns("__pycache__"))
        _put_jars(folder / "jars")
        shutil.copy(program("prometheus"), folder)
        engine.asked("docker", "build", "--network", "host", "--build-arg", f"PYTHON={PYTHON}",
                     "--file", folder / "servers.Dockerfile", "--tag", SERVERS, folder)


def _put_jars(folder: Path) -> None:
    """Lay the jars of Kafka and of its tools into a folder, if they are those of the locks."""
    folder.mkdir()
    for jar in kafka_jars.resolve(_cache() / "jars", kafka_jars.ENDPOINT).glob("*/*.jar"):
        shutil.copy(jar, folder)
    kafka_jars.check(folder.iterdir())
    (tools,) = kafka_jars.resolve(_cache() / "jars", TOOLS).glob("*/kafka-tools-[0-9]*.jar")
    kafka_jars.check([tools], HERE / "kafka_tools.lock")
    shutil.copy(tools, folder)


def compose() -> Path:
    """Build Compose, once for each set of modules; raise Missing."""
    return go_program("docker-compose", HERE, COMPOSE)


def _cache() -> Path:
    return load().cache_dir.expanduser().resolve()


def _found(engine: Engine, name: str) -> str:
    path = shutil.which(name, path=engine.environment()["PATH"])
    if path is None:
        raise Missing(f"{name} is not there, though Debian's packages were unpacked.")
    return path


def _unpacked() -> Path:
    """Have Debian's packages unpacked, once, with what they need and this machine has not."""
    folder = kept("containers", HERE / "packages.txt", Path("/etc/os-release"))
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        draft = Path(name)
        (draft / "archives/partial").mkdir(parents=True)
        wanted = (HERE / "packages.txt").read_text().split()
        for command in (["update"], [
                "install", "--download-only", "--yes", "--no-install-recommends",
                "-o", f"Dir::Cache::archives={draft}/archives", *wanted]):
            done = subprocess.run(["apt-get", "--quiet=2", *command], check=False,
                                  timeout=FETCH_SECONDS, stdout=subprocess.DEVNULL)
            if done.returncode:
                raise Missing("Debian's packages cannot be had: see what apt-get said above.")
        for package in (draft / "archives").glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, draft / "tree"], check=True)
        programs = draft / "tree/usr/sbin"
        for kind in ("iptables", "ip6tables"):
            # What Debian's alternatives would do.
            if (programs / f"{kind}-legacy").exists():
                (programs / kind).symlink_to(f"{kind}-legacy")
        (draft / "tree").rename(folder)
    return folder


def _base(engine: Engine) -> Path:
    """Make Debian's smallest system with Python, once."""
    base = engine.programs / "base.tar"
    if not base.exists():
        draft = base.with_name("draft.tar")
        engine.asked("mmdebstrap", "--variant=minbase", f"--include={','.join(INCLUDED)}",
                     DEBIAN, draft)
        draft.rename(base)
    return base
