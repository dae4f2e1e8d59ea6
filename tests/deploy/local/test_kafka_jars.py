"""The jars that the local Kafka runs: only those whose hashes are in the lock."""

from pathlib import Path

import pytest

from deploy.local import kafka_jars
from deploy.local.errors import JarsDifferError


def _lock(folder: Path) -> tuple[Path, list[Path]]:
    jars = [folder / f"{name}-1.0.jar" for name in ("one", "two")]
    for jar in jars:
        jar.write_bytes(jar.name.encode())
    lock = folder / "kafka_jars.lock"
    lock.write_text("# Two jars.\n" + "".join(
        f"{kafka_jars._sha256(jar)}  org.example:{jar.name.partition('-')[0]}:1.0\n"
        for jar in jars), "utf-8")
    return lock, jars


def test_the_jars_of_the_lock_pass(tmp_path: Path) -> None:
    """All of them, with their bytes, and no other: nothing to say."""
    lock, jars = _lock(tmp_path)

    kafka_jars.check(jars, lock)


@pytest.mark.parametrize(("change", "said"), [
    (lambda jars: jars[0].write_bytes(b"one-1.0.jar?"), "one-1.0.jar has another hash"),
    (lambda jars: jars.pop(), "two-1.0.jar is missing"),
    (lambda jars: jars.append(Path(__file__)), "test_kafka_jars.py is not in the lock"),
])
def test_any_other_set_of_jars_is_refused_by_name(
    tmp_path: Path, change: object, said: str
) -> None:
    """A changed, missing or further jar is named, and the remedy with it."""
    lock, jars = _lock(tmp_path)
    assert callable(change)
    change(jars)

    with pytest.raises(JarsDifferError, match=f"{said}.*Nothing of them was run"):
        kafka_jars.check(jars, lock)


def test_the_lock_is_what_this_machine_resolves(cache_folder: Path) -> None:
    """The file in the tree is what `make lock` would write."""
    environment = kafka_jars.resolve(cache_folder / "jars", kafka_jars.ENDPOINT)

    assert kafka_jars.LOCK.read_text("utf-8") == kafka_jars.written(environment)
